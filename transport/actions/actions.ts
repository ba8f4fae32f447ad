import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import { getProxyUrl, HttpClient } from '@actions/http-client'
import { failed } from '../frame/failure.ts'
import { type Arrival, transportOver } from '../frame/frame.ts'
import { arrived, lost, optionsOf, Routes } from '../frame/routes.ts'
import type { Watch } from '../frame/watch.ts'
import type { Transport, TransportRequest } from '../transport.ts'

/**
 * The transport of the Action: @actions/http-client, which is in its bundle anyway. Proxy variables and
 * NODE_EXTRA_CA_CERTS are read from the process's environment by that library and by Node. The library's agents are not
 * used: they end a proxied connection after one request, ask the proxy for a tunnel to plain http too, where many refuse
 * that, and mix up http and https targets.
 */
export function actionsTransport(): Transport {
  const routes = new Routes(proxyFor)
  // Its own time limit would count an idle event stream; the longest that Node's timers know stands for none.
  const client = new HttpClient(undefined, [], {
    allowRedirects: false,
    allowRetries: false,
    maxRetries: 0,
    socketTimeout: 2 ** 31 - 1,
  })
  return transportOver(
    (request, url, watch) => send(request, url, watch, routes, client),
    () => routes.close(),
  )
}

async function send(
  request: TransportRequest,
  url: URL,
  watch: Watch,
  routes: Routes,
  client: HttpClient,
): Promise<Arrival> {
  const route = routes.to(url)
  const options = optionsOf(request, route, watch)
  const outgoing = new Outgoing(route.protocol === 'https:' ? https : http)
  const data = request.body === undefined ? null : Readable.from(watch.slices(), { highWaterMark: 1 })
  try {
    const { message } = await client.requestRaw({ parsedUrl: url, httpModule: outgoing.module, options }, data)
    return arrived(message, route, watch)
  } catch (cause) {
    watch.reused = outgoing.request?.reusedSocket ?? false
    throw lost(cause, url, route, watch)
  }
}

/** As in other actions: the library reads the variables of the process by itself, and exempts loopback addresses. */
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

/** HttpClient hides the request that it makes, but lets us name the module by which it makes it. */
class Outgoing {
  request: ClientRequest | undefined
  readonly module: typeof http

  constructor(module: typeof http | typeof https) {
    const request = (options: RequestOptions, done: (message: IncomingMessage) => void) => {
      this.request = module.request(options, done)
      return this.request
    }
    this.module = { ...http, request: request as typeof http.request }
  }
}
