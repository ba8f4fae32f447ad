import { apiCaller, exchangeForm, FORM } from './api.ts'
import { flatOut, inRounds } from './load.ts'
import { type BenchServer, type Started, startCeiling, startServer } from './processes.ts'
import { besideRows } from './ratios.ts'
import type { Row } from './table.ts'

const SECONDS = 3
const ROUNDS = 5
const LEAST = 0.5

/** Durable triggers and token exchanges a second, each beside its own ceiling in turn. */
export async function throughput(): Promise<Row[]> {
  const server = await startServer({ VERDICT_RUNNER: 'none' })
  const ceiling = await startCeiling()
  try {
    return await throughputRows(server, ceiling, 'SQLite')
  } finally {
    await server.stop()
    await ceiling.stop()
  }
}

/** `emptyQueue`, before each trial of triggers: MongoDB counts the queue of a workspace, which the server else keeps short. */
export async function throughputRows(
  server: BenchServer,
  ceiling: Started,
  store: string,
  emptyQueue?: () => Promise<void>,
): Promise<Row[]> {
  const { token, call } = await apiCaller(server)
  await call('PUT', '/v1/suites/noop', { definition: { run: 'true' } })
  const json = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const post = ({ pid, url }: Started, path: string, headers: Record<string, string>, body: string) => ({
    pid,
    work: () => flatOut({ url: url + path, method: 'POST', headers, body }, SECONDS),
  })
  const trigger = '{"suite":"noop"}'
  const form = exchangeForm(server.key)
  const ours = { ...post(server, '/v1/runs', json, trigger), prepare: async () => emptyQueue?.() }
  const triggers = await inRounds({ ours, ceiling: post(ceiling, '/runs', json, trigger) }, ROUNDS)
  const exchanges = await inRounds(
    { ours: post(server, '/oauth/token', FORM, form), ceiling: post(ceiling, '/token', FORM, form) },
    ROUNDS,
  )
  return [
    ...besideRows(`${store}: durable triggers`, triggers.ours, triggers.ceiling, LEAST, ['rate']),
    ...besideRows(`${store}: token exchanges`, exchanges.ours, exchanges.ceiling, LEAST, ['rate']),
  ]
}
