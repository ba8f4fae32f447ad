import { type Agent, type AgentOptions, Agent as HttpAgent, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { urlToHttpOptions } from 'node:url'
import type { TransportRequest } from '../transport.ts'
import type { Arrival } from './frame.ts'
import { address, authorization, refused, Tunnel, unreachable, type Watched } from './tunnel.ts'
import type { Watch } from './watch.ts'

/** Idle connections end after 30 s, or just before the time that the server's Keep-Alive header gives. */
const KEPT: AgentOptions = { keepAlive: true, timeout: 30_000 }

/** The next hop of a request. */
export interface Route {
  readonly proxy: URL | undefined
  /** Which module speaks to the next hop: that of http: or that of https: */
  readonly protocol: string
  /** Where to, what to ask for there, and by which pool. */
  readonly options: RequestOptions
}

/** Which proxy an address is to be reached through, if any. Throws a TransportError 'proxy' where that cannot be told. */
type ProxyFor = (url: URL) => URL | undefined

/** The connection pools of one transport: one for each way to the next hop. */
export class Routes {
  readonly #agents = new Map<string, Agent>()
  readonly #proxyFor: ProxyFor

  constructor(proxyFor: ProxyFor) {
    this.#proxyFor = proxyFor
  }

  to(url: URL): Route {
    const proxy = this.#proxyFor(url)
    const target = urlToHttpOptions(url)
    if (!proxy) {
      const agent = this.#agent(url.protocol, () => direct(url.protocol))
      return { proxy, protocol: url.protocol, options: { ...target, agent } }
    }
    if (url.protocol === 'https:') {
      const agent = this.#agent(`tunnel ${proxy.href}`, () => new Tunnel(proxy, KEPT))
      return { proxy, protocol: url.protocol, options: { ...target, agent } }
    }
    const agent = this.#agent(proxy.protocol, () => direct(proxy.protocol))
    const path = `http://${url.host}${target.path}`
    const headers = { host: url.host, ...authorization(proxy) }
    const options = {
      ...target,
      ...address(proxy),
      hostname: undefined,
      protocol: proxy.protocol,
      path,
      headers,
      agent,
    }
    return { proxy, protocol: proxy.protocol, options }
  }

  /** Ends idle connections; those in use are let be. */
  close(): void {
    for (const agent of this.#agents.values()) {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy()
    }
  }

  #agent(key: string, make: () => Agent): Agent {
    const agent = this.#agents.get(key) ?? make()
    this.#agents.set(key, agent)
    return agent
  }
}

/** All that a request is made by, but its body. */
export function optionsOf(
  { method, headers, body }: TransportRequest,
  { options }: Route,
  watch: Watch,
): RequestOptions & Watched {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return {
    ...options,
    method,
    headers: { ...headers, ...length, ...options.headers },
    signal: watch.signal,
    watch,
  }
}

/** What has arrived, unless it is a proxy's own refusal: then a TransportError is thrown. */
export function arrived(message: IncomingMessage, { proxy }: Route, watch: Watch): Arrival {
  if (proxy && message.statusCode === 407) {
    message.destroy()
    throw refused(proxy, 407, watch)
  }
  return { status: message.statusCode ?? 0, headers: message.headersDistinct, body: message }
}

/** Why a request failed. To a forward proxy the request's own connection is the connection to the proxy. */
export function lost(cause: unknown, url: URL, { proxy }: Route, watch: Watch): unknown {
  const { syscall } = cause as NodeJS.ErrnoException
  const toProxy = proxy && url.protocol === 'http:' && (syscall === 'connect' || syscall === 'getaddrinfo')
  return toProxy ? unreachable(proxy, cause as Error, watch) : cause
}

function direct(protocol: string): Agent {
  return protocol === 'https:' ? new HttpsAgent(KEPT) : new HttpAgent(KEPT)
}
