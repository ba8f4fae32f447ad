import { spawnSync } from 'node:child_process'
import type { Run } from '../contract/runs.ts'
import { apiCaller } from './api.ts'
import { root, startServer } from './processes.ts'
import { quantile, type Row } from './table.ts'

const RUNS = 15
const SERVER_RUNS = 40

/** What Verdict adds to a suite that does nothing: seen from `verdict run`, and within the server. */
export async function overhead(): Promise<Row[]> {
  const server = await startServer({})
  try {
    const { call } = await apiCaller(server)
    await call('PUT', '/v1/suites/noop', { definition: { run: 'true' } })
    const env = { PATH: process.env.PATH ?? '', VERDICT_URL: server.url, VERDICT_API_KEY: server.key }
    const added: number[] = []
    for (let i = 0; i < RUNS + 1; i++) {
      const start = performance.now()
      const ran = spawnSync(process.execPath, ['dist/cli/verdict.mjs', 'run', 'noop', '--stored', '--json'], {
        cwd: root,
        env,
        encoding: 'utf8',
      })
      const wall = performance.now() - start
      if (ran.status !== 0) throw new Error(`verdict run ended with ${ran.status}: ${ran.stderr}`)
      const { runs } = JSON.parse(ran.stdout) as { runs: Run[] }
      // The first one warms caches and is not counted.
      if (i > 0) added.push(wall - (runs[0]?.durationMs ?? 0))
    }
    const share = await serverShare(call)
    return [
      {
        what: '`verdict run` of nothing, less the run itself (median)',
        figure: `${quantile(added, 0.5).toFixed(0)} ms`,
        goal: '≤ 250 ms',
        met: quantile(added, 0.5) <= 250,
      },
      {
        what: "the server's share: accepted to started, finished to answered (median)",
        figure: `${share.toFixed(1)} ms`,
        goal: '≤ 25 ms',
        met: share <= 25,
      },
    ]
  } finally {
    await server.stop()
  }
}

async function serverShare(call: Awaited<ReturnType<typeof apiCaller>>['call']): Promise<number> {
  const shares: number[] = []
  for (let i = 0; i < SERVER_RUNS; i++) {
    const { id } = await call<Run>('POST', '/v1/runs', { suite: 'noop' })
    const run = await call<Run>('GET', `/v1/runs/${id}`, undefined, { prefer: 'wait=30' })
    shares.push((run.queuedMs ?? 0) + (Date.now() - Date.parse(run.finishedAt ?? '')))
  }
  return quantile(shares, 0.5)
}
