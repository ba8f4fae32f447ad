import { apiCaller } from './api.ts'
import { exchanges, newKeys } from './exchanges.ts'
import { flatOut, inRounds } from './load.ts'
import { type BenchServer, type Started, startCeiling, startServer } from './processes.ts'
import { besideRows } from './ratios.ts'
import type { Row } from './table.ts'

const SECONDS = 3
const ROUNDS = 5
const LEAST = 0.5
/** Each of a user of its own, so that one look-up for many finds many. */
const KEYS = 100

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
  const trigger = ({ pid, url }: Started, path: string) => ({
    pid,
    work: () => flatOut({ url: url + path, method: 'POST', headers: json, body: '{"suite":"noop"}' }, SECONDS),
  })
  const ours = { ...trigger(server, '/v1/runs'), prepare: async () => emptyQueue?.() }
  const triggers = await inRounds({ ours, ceiling: trigger(ceiling, '/runs') }, ROUNDS)
  const keys = await newKeys(server, KEYS)
  const exchanged = await inRounds(
    {
      ours: { pid: server.pid, work: () => exchanges(`${server.url}/oauth/token`, keys, SECONDS) },
      ceiling: { pid: ceiling.pid, work: () => exchanges(`${ceiling.url}/token`, keys, SECONDS) },
    },
    ROUNDS,
  )
  return [
    ...besideRows(`${store}: durable triggers`, triggers.ours, triggers.ceiling, LEAST, ['rate']),
    ...besideRows(`${store}: token exchanges`, exchanged.ours, exchanged.ceiling, LEAST, ['rate']),
  ]
}
