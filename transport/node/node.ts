import { request as http, type IncomingMessage } from 'node:http'
import { request as https } from 'node:https'
import { Readable } from 'node:stream'
import { type Arrival, transportOver } from '../frame/frame.ts'
import { arrived, lost, optionsOf, Routes } from '../frame/routes.ts'
import type { Watch } from '../frame/watch.ts'
import type { Transport, TransportRequest } from '../transport.ts'
import { type Env, proxyFor } from './proxy.ts'

/**
 * The transport of the CLI and of workers: node:http and node:https. Proxies come from `env`; NODE_EXTRA_CA_CERTS is
 * read by Node itself, when the process starts.
 */
export function nodeTransport({ env }: { env: Env }): Transport {
  const routes = new Routes((url) => proxyFor(url, env))
  return transportOver(
    (request, url, watch) => send(request, url, watch, routes),
    () => routes.close(),
  )
}

async function send(request: TransportRequest, url: URL, watch: Watch, routes: Routes): Promise<Arrival> {
  const route = routes.to(url)
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = (route.protocol === 'https:' ? https : http)(optionsOf(request, route, watch))
    outgoing.once('response', resolve)
    outgoing.on('error', (cause) => {
      watch.reused = outgoing.reusedSocket
      reject(lost(cause, url, route, watch))
    })
    if (request.body === undefined) outgoing.end()
    else Readable.from(watch.slices(), { highWaterMark: 1 }).pipe(outgoing)
  })
  return arrived(message, route, watch)
}
