import { type AgentOptions, type ClientRequestArgs, request as http } from 'node:http'
import { Agent, request as https } from 'node:https'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TransportError } from '../transport.ts'
import { failed } from './failure.ts'
import type { Watch } from './watch.ts'

/** An option of a request that Node hands through to `createConnection`: whose request the connection is for. */
export interface Watched {
  readonly watch: Watch
}

type Done = (error: Error | null, socket: Duplex) => void

/** A pool of https connections through a proxy, by CONNECT (RFC 9110 section 9.3.6). */
export class Tunnel extends Agent {
  readonly #proxy: URL

  constructor(proxy: URL, options: AgentOptions) {
    super(options)
    this.#proxy = proxy
  }

  override createConnection(options: ClientRequestArgs, done?: Done): undefined {
    const { watch } = options as unknown as Watched
    const target = `${options.host?.includes(':') ? `[${options.host}]` : options.host}:${options.port}`
    const connect = (this.#proxy.protocol === 'https:' ? https : http)({
      ...address(this.#proxy),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...authorization(this.#proxy) },
      agent: false,
      signal: watch.signal,
    })
    const fail = (error: Error) => done?.(error, undefined as unknown as Duplex)
    connect.once('error', (cause) => fail(unreachable(this.#proxy, cause, watch)))
    connect.once('response', (answer) => {
      answer.destroy()
      fail(refused(this.#proxy, answer.statusCode ?? 0, watch))
    })
    connect.once('connect', (answer, socket) => {
      if (answer.statusCode === 200)
        return done?.(null, super.createConnection({ ...options, socket } as object) as Duplex)
      socket.destroy()
      fail(refused(this.#proxy, answer.statusCode ?? 0, watch))
    })
    connect.end()
  }
}

/** Where a proxy is, and the name in its certificate: Node would else expect that of the Host header, the target's. */
export function address(proxy: URL): { host: string; port: number; servername: string } {
  const port = Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80)
  const host = proxy.hostname.replace(/^\[|\]$/g, '')
  return { host, port, servername: isIP(host) ? '' : host }
}

/** The Proxy-Authorization header for the user and password in the proxy's address, if it has them. */
export function authorization({ username, password }: URL): Record<string, string> {
  if (!username && !password) return {}
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
}

export function unreachable(proxy: URL, cause: NodeJS.ErrnoException, watch: Watch): TransportError {
  const detail = `the proxy ${proxy.host} could not be reached (${cause.code ?? 'connection closed'})`
  return failed('proxy', watch.place, detail, cause)
}

/** A proxy's own refusal; a 5xx says that the proxy did not get through to the server. */
export function refused(proxy: URL, status: number, watch: Watch): TransportError {
  const detail = `the proxy ${proxy.host} answered ${status}`
  return failed(status >= 500 ? 'unreachable' : 'proxy', watch.place, detail)
}
