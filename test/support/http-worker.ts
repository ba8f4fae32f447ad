import { createCaller, systemClock, systemRandom } from '../../client/index.ts'
import type { NewWorker } from '../../contract/workers.ts'
import { nodeTransport } from '../../transport/node/node.ts'
import { type HttpWork, httpWork, type Refusal } from '../../worker/http-work.ts'
import type { TestServer } from './server.ts'

export interface HttpWorker {
  readonly work: HttpWork
  readonly worker: NewWorker
  readonly refusals: Refusal[]
  close(): void
}

/** A worker that was made over the API, and its way to the server. */
export async function httpWorker(server: TestServer, fields: object = {}, token?: string): Promise<HttpWorker> {
  const json = { name: 'builder', ...fields }
  const made = await server.request<NewWorker>('POST', '/v1/workers', { json, ...(token && { token }) })
  if (made.status !== 201) throw new Error(made.text)
  return { ...workOver(server.url, made.json.key), worker: made.json }
}

/** The work of whoever holds the key. */
export function workOver(url: string, apiKey: string) {
  const transport = nodeTransport({ env: {} })
  const refusals: Refusal[] = []
  const work = httpWork(
    createCaller({ url, apiKey, transport, clock: systemClock, random: systemRandom, userAgent: 'verdict-worker/0' }),
    { version: '0.0.0-test', onRefused: (refusal) => refusals.push(refusal) },
  )
  return { work, refusals, close: () => transport.close() }
}
