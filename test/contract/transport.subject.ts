import { onTestFinished } from 'vitest'
import type { Transport, TransportRequest, TransportResponse } from '../../transport/transport.ts'
import { SECRET } from './transport.server.ts'

/** The adapter under test. */
export interface Adapter {
  /** The transport in a process whose environment holds these and no other proxy variables. */
  make(env: Record<string, string>): Transport
  /** Where a child process finds it: a path from the repository's root, and the export. */
  readonly module: string
  readonly constructorName: string
}

/** Sends a request, by default GET with a time limit of 10 s, and always with a secret header. */
export type Exchange = (request: Partial<TransportRequest> & { readonly url: string }) => Promise<TransportResponse>

/** Makes a transport that lives as long as the test. */
export type Open = (env?: Record<string, string>) => { readonly transport: Transport; readonly send: Exchange }

export function opener(adapter: Adapter): Open {
  return (env = {}) => {
    const transport = adapter.make(env)
    onTestFinished(() => transport.close())
    const send: Exchange = (request) => {
      const headers = { authorization: `Bearer ${SECRET}`, ...request.headers }
      return transport.request({ method: 'GET', timeoutMs: 10_000, ...request, headers })
    }
    return { transport, send }
  }
}
