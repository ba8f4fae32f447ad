import { apiCaller } from './api.ts'
import { inRounds, middle, repeated } from './load.ts'
import { type BenchServer, startServer } from './processes.ts'
import type { Row } from './table.ts'
import { addWorker, drain } from './workers.ts'

const WORKERS = [1, 2, 4]
const ROUNDS = 5
/** Queued before each trial. */
const RUNS = 200
/** What 100,000 users ask for at their peak (docs/scaling.md). */
const PEAK = 60

/** Runs claimed and ended a second by workers over HTTP, on SQLite. */
export async function claims(): Promise<Row[]> {
  const server = await startServer({ VERDICT_RUNNER: 'none' })
  try {
    return await claimRows(server, 'SQLite')
  } finally {
    await server.stop()
  }
}

/** `before` each trial: MongoDB's stand-in looks through all runs to change one (docs/scaling.md). */
export async function claimRows(server: BenchServer, store: string, before?: () => Promise<void>): Promise<Row[]> {
  const { call } = await apiCaller(server)
  await call('PUT', '/v1/suites/noop', { definition: { run: 'true' } })
  const workers = await Promise.all(Array.from({ length: Math.max(...WORKERS) }, () => addWorker(server)))
  const subjects = WORKERS.map((count) => ({
    pid: server.pid,
    prepare: async () => {
      await before?.()
      await repeated(RUNS, 16, () => call('POST', '/v1/runs', { suite: 'noop' }))
    },
    work: () => drain(workers.slice(0, count)),
  }))
  const figures = await inRounds(Object.fromEntries(WORKERS.map((count, i) => [count, subjects[i]!])), ROUNDS)
  for (const worker of workers) worker.close()
  return WORKERS.map((count) => {
    const rate = middle(figures[count]!, 'rate')
    return {
      what: `${store}: claim and finish pairs a second, ${count} ${count === 1 ? 'worker' : 'workers'}`,
      figure: `${rate.toFixed(0)}/s`,
      goal: `≥ ${PEAK}/s`,
      met: rate >= PEAK,
    }
  })
}
