import { type Agent, Agent as HttpAgent, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { urlToHttpOptions } from 'node:url'
import { getProxyUrl } from '@actions/http-client'
import { failed } from '../frame/failure.ts'
import { address, authorization, Tunnel } from './tunnel.ts'

/** The next hop of a request. */
export interface Route {
  readonly proxy: URL | undefined
  /** Which module speaks to the next hop: that of http: or that of https: */
  readonly protocol: string
  /** Where to, what to ask for there, and by which pool. */
  readonly options: RequestOptions
}

/**
 * The connection pools of one transport. Which proxy, if any, is up to @actions/http-client, as in other actions: it
 * reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the process by itself, and exempts loopback addresses. Its agents are
 * not used: they end a proxied connection after one request, ask the proxy for a tunnel to plain http too, where many
 * refuse that, and mix up http and https targets.
 */
export class Routes {
  readonly #agents = new Map<string, Agent>()

  to(url: URL): Route {
    const proxy = proxyFor(url)
    const target = urlToHttpOptions(url)
    if (!proxy) {
      const agent = this.#agent(url.protocol, () => direct(url.protocol))
      return { proxy, protocol: url.protocol, options: { ...target, agent } }
    }
    if (url.protocol === 'https:') {
      const agent = this.#agent(`tunnel ${proxy.href}`, () => new Tunnel(proxy))
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

function direct(protocol: string): Agent {
  return protocol === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
}

function proxyFor(url: URL): URL | undefined {
  try {
    const proxy = getProxyUrl(url.href)
    if (!proxy) return undefined
    if (/^https?:/.test(proxy)) return new URL(proxy)
  } catch {
    // The library's own error would show the proxy's password.
  }
  throw failed('proxy', url.host, 'the proxy setting holds no http(s) address')
}
