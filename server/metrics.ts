import { createServer } from 'node:http'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Store } from './store/ports/store.ts'

/** What is measured. Names follow Prometheus' conventions. */
export function serverMetrics(store: Store) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'verdict_http_request_duration_seconds',
    help: 'Time to answer, by route and status; held answers included.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  })
  new Gauge({
    name: 'verdict_runs',
    help: 'Unfinished runs by state.',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const { queued, running } = await store.queue.depth()
      this.set({ state: 'queued' }, queued)
      this.set({ state: 'running' }, running)
    },
  })
  return { registry, requests }
}

/** Open metrics on a port of their own, for a scraper on the same network. Resolves when it listens. */
export async function listenForMetrics(registry: Registry, host: string, port: number): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') return response.writeHead(404).end()
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(503).end(),
    )
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  return () => new Promise((resolve) => server.close(() => resolve()))
}
