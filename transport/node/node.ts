import { request as http, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as https } from 'node:https'
import { Readable } from 'node:stream'
import { type Arrival, transportOver } from '../frame/frame.ts'
import type { Watch } from '../frame/watch.ts'
import type { Transport, TransportRequest } from '../transport.ts'
import { Agents, refused, type Watched } from './agents.ts'
import { type Env, proxyFor } from './proxy.ts'

/**
 * The transport of the CLI and of workers: node:http and node:https. Proxies come from `env`; NODE_EXTRA_CA_CERTS is
 * read by Node itself, when the process starts.
 */
export function nodeTransport({ env }: { env: Env }): Transport {
  const agents = new Agents()
  return transportOver(
    (request, url, watch) => send(request, url, watch, agents, proxyFor(url, env)),
    () => agents.close(),
  )
}

async function send(
  { method, headers, body }: TransportRequest,
  url: URL,
  watch: Watch,
  agents: Agents,
  proxy: URL | undefined,
): Promise<Arrival> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const options: RequestOptions & Watched = {
    method,
    headers: { ...headers, ...length },
    agent: agents.for(url.protocol, proxy),
    signal: watch.signal,
    watch,
  }
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = (url.protocol === 'https:' ? https : http)(url, options)
    outgoing.once('response', resolve)
    outgoing.on('error', (cause) => {
      watch.reused = outgoing.reusedSocket
      reject(cause)
    })
    if (body === undefined) outgoing.end()
    else Readable.from(watch.slices(), { highWaterMark: 1 }).pipe(outgoing)
  })
  if (proxy && message.statusCode === 407) {
    message.destroy()
    throw refused(proxy, 407, watch)
  }
  return { status: message.statusCode ?? 0, headers: message.headersDistinct, body: message }
}
