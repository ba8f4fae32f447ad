import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import { HttpClient } from '@actions/http-client'
import { type Arrival, transportOver } from '../frame/frame.ts'
import type { Watch } from '../frame/watch.ts'
import type { Transport, TransportRequest } from '../transport.ts'
import { Routes } from './routes.ts'
import { refused, unreachable, type Watched } from './tunnel.ts'

/**
 * The transport of the Action: @actions/http-client, which is in its bundle anyway. Proxy variables and
 * NODE_EXTRA_CA_CERTS are read from the process's environment by that library and by Node.
 */
export function actionsTransport(): Transport {
  const routes = new Routes()
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
  { method, headers, body }: TransportRequest,
  url: URL,
  watch: Watch,
  routes: Routes,
  client: HttpClient,
): Promise<Arrival> {
  const { proxy, protocol, options: route } = routes.to(url)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const options: RequestOptions & Watched = {
    ...route,
    method,
    headers: { ...headers, ...length, ...route.headers },
    signal: watch.signal,
    watch,
  }
  const outgoing = new Outgoing(protocol === 'https:' ? https : http)
  const data = body === undefined ? null : Readable.from(watch.slices(), { highWaterMark: 1 })
  let message: IncomingMessage
  try {
    message = (await client.requestRaw({ parsedUrl: url, httpModule: outgoing.module, options }, data)).message
  } catch (cause) {
    watch.reused = outgoing.request?.reusedSocket ?? false
    const { syscall } = cause as NodeJS.ErrnoException
    // To a forward proxy the request's own connection is the connection to the proxy.
    const toProxy = proxy && url.protocol === 'http:' && (syscall === 'connect' || syscall === 'getaddrinfo')
    throw toProxy ? unreachable(proxy, cause as Error, watch) : cause
  }
  if (proxy && message.statusCode === 407) {
    message.destroy()
    throw refused(proxy, 407, watch)
  }
  return { status: message.statusCode ?? 0, headers: message.headersDistinct, body: message }
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
