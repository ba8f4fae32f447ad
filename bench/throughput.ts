import autocannon from 'autocannon'
import { apiCaller, exchangeForm, startProcess, startServer } from './processes.ts'
import { quantile, type Row } from './table.ts'

const SECONDS = 4
const ROUNDS = 3
const CONNECTIONS = 32

interface Load {
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

/** Durable triggers and token exchanges a second, each beside its own ceiling in turn. */
export async function throughput(): Promise<Row[]> {
  const server = await startServer({ VERDICT_RUNNER: 'none' })
  const ceiling = await startProcess(['bench/ceiling.ts'], {}, /ceiling is at (http:\S+)/)
  try {
    const { token, call } = await apiCaller(server)
    await call('PUT', '/v1/suites/noop', { definition: { run: 'true' } })
    const json = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = '{"suite":"noop"}'
    return [
      await beside(
        'durable triggers',
        { url: `${server.url}/v1/runs`, headers: json, body },
        { url: `${ceiling.url}/runs`, headers: json, body },
      ),
      await beside(
        'token exchanges',
        { url: `${server.url}/oauth/token`, headers: form, body: exchangeForm(server.key) },
        { url: `${ceiling.url}/token`, headers: form, body: exchangeForm(server.key) },
      ),
    ]
  } finally {
    await server.stop()
    await ceiling.stop()
  }
}

async function beside(what: string, ours: Load, ceiling: Load): Promise<Row> {
  const pairs: [number, number][] = []
  await rate(ours, 1)
  await rate(ceiling, 1)
  for (let i = 0; i < ROUNDS; i++) pairs.push([await rate(ours, SECONDS), await rate(ceiling, SECONDS)])
  const ratio = quantile(
    pairs.map(([a, b]) => a / b),
    0.5,
  )
  const figure = `${quantile(
    pairs.map(([a]) => a),
    0.5,
  ).toFixed(0)}/s of ${quantile(
    pairs.map(([, b]) => b),
    0.5,
  ).toFixed(0)}/s = ${ratio.toFixed(2)} ×`
  return { what: `${what} a second, beside the bare route`, figure, goal: '≥ 0.50 ×', met: ratio >= 0.5 }
}

async function rate(load: Load, seconds: number): Promise<number> {
  const result = await autocannon({ ...load, method: 'POST', connections: CONNECTIONS, duration: seconds })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${load.url}: ${result.non2xx} answers were no success, ${result.errors} errors`)
  return result.requests.average
}
