import { type Agent, type AgentOptions, type ClientRequest, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import { HttpProxyAgent } from 'http-proxy-agent'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { failed } from '../frame/failure.ts'
import type { Watch } from '../frame/watch.ts'
import type { TransportError } from '../transport.ts'

/** Idle connections end after 30 s, or just before the time that the server's Keep-Alive header gives. */
const KEPT: AgentOptions = { keepAlive: true, timeout: 30_000 }

/** How `send` tells a proxied connection whose request it serves: an option of the request that Node hands through. */
export interface Watched {
  readonly watch: Watch
}

/** The connection pools of one transport: one for each target protocol and proxy. */
export class Agents {
  readonly #agents = new Map<string, Agent>()

  for(protocol: string, proxy: URL | undefined): Agent {
    const key = `${protocol} ${proxy?.href ?? 'direct'}`
    const agent = this.#agents.get(key) ?? make(protocol, proxy)
    this.#agents.set(key, agent)
    return agent
  }

  /** Ends idle connections; those in use are let be. */
  close(): void {
    for (const agent of this.#agents.values()) {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy()
    }
  }
}

function make(protocol: string, proxy: URL | undefined): Agent {
  if (proxy) return protocol === 'https:' ? new Tunnel(proxy, KEPT) : new Forward(proxy, KEPT)
  return protocol === 'https:' ? new HttpsAgent(KEPT) : new HttpAgent(KEPT)
}

/** https through a proxy by CONNECT. */
class Tunnel extends HttpsProxyAgent<string> {
  readonly #options = this.connectOpts

  override async connect(request: ClientRequest, options: Parameters<HttpsProxyAgent<string>['connect']>[1]) {
    const { watch } = options as unknown as Watched
    let status = 200
    request.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
      status = statusCode
    })
    // The base class reads this before its first await, so no other request can come between.
    this.connectOpts = { ...this.#options, signal: watch.signal }
    const socket = await reached(super.connect(request, options), this.proxy, watch)
    if (status === 200) return socket
    socket.destroy()
    throw refused(this.proxy, status, watch)
  }
}

/** http through a proxy by absolute addresses. */
class Forward extends HttpProxyAgent<string> {
  readonly #options = this.connectOpts

  override connect(...[request, options]: Parameters<HttpProxyAgent<string>['connect']>): Promise<Socket> {
    const { watch } = options as unknown as Watched
    this.connectOpts = { ...this.#options, signal: watch.signal }
    return reached(super.connect(request, options), this.proxy, watch)
  }
}

async function reached(connection: Promise<Socket>, proxy: URL, watch: Watch): Promise<Socket> {
  try {
    return await connection
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'connection closed'
    throw failed('proxy', watch.place, `the proxy ${proxy.host} could not be reached (${code})`, cause)
  }
}

/** A proxy's own refusal; a 5xx says that the proxy did not get through to the server. */
export function refused(proxy: URL, status: number, watch: Watch): TransportError {
  const detail = `the proxy ${proxy.host} answered ${status}`
  return failed(status >= 500 ? 'unreachable' : 'proxy', watch.place, detail)
}
