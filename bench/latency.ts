import type { Run } from '../contract/runs.ts'
import { apiCaller } from './api.ts'
import { startServer } from './processes.ts'
import { quantile, type Row } from './table.ts'

const LOG_RUNS = 50
const CASES = 100_000
const PROBE_EVERY_MS = 10
/** As the goals of overhead.ts: the server's share of a run, and what a person waits for the whole of it. */
const AT_REST_MS = 25
const BUSY_MS = 250

/** How long a read of a run takes while 50 runs stream logs and a report of 100,000 cases comes in. */
export async function latency(): Promise<Row[]> {
  const server = await startServer({ VERDICT_WORKER_SLOTS: '60', VERDICT_RUNNING_PER_WORKSPACE: '100' })
  try {
    const { call } = await apiCaller(server)
    const line = 'a line of a test log, as long as lines of logs are'
    const chatty = `for i in $(seq 1 100); do echo "${line} $i"; sleep 0.1; done`
    const many = `node -e "let s='<testsuite>';for(let i=0;i<${CASES};i++)s+='<testcase name=\\"case '+i+'\\" classname=\\"suite\\" time=\\"0.001\\"/>';require('fs').writeFileSync('r.xml',s+'</testsuite>')"`
    const quiet = await measure(call, async () => {
      await call('POST', '/v1/runs', { suite: 'idle', definition: { run: 'sleep 3' } })
      await new Promise((resolve) => setTimeout(resolve, 3000))
    })
    let big: Run | undefined
    const busy = await measure(call, async () => {
      const runs = await Promise.all(
        Array.from({ length: LOG_RUNS }, () =>
          call<Run>('POST', '/v1/runs', { suite: 'chatty', definition: { run: chatty, concurrency: 60 } }),
        ),
      )
      const report = await call<Run>('POST', '/v1/runs', { suite: 'many', definition: { run: many, report: 'r.xml' } })
      for (const { id } of [...runs, report]) big = await ended(call, id)
    })
    if (big?.results?.total !== CASES)
      throw new Error(`the large report came in as ${JSON.stringify(big?.results)}: ${JSON.stringify(big?.reason)}`)
    return [
      row('GET /v1/runs/{id} at rest (p50, p99)', quiet, AT_REST_MS),
      row(`GET /v1/runs/{id} beside ${LOG_RUNS} logs and ${CASES} cases (p50, p99)`, busy, BUSY_MS),
    ]
  } finally {
    await server.stop()
  }
}

type Call = Awaited<ReturnType<typeof apiCaller>>['call']

async function ended(call: Call, id: string): Promise<Run> {
  for (;;) {
    const run = await call<Run>('GET', `/v1/runs/${id}`, undefined, { prefer: 'wait=50' })
    if (run.finishedAt !== null) return run
  }
}

/** Reads one run again and again while `work` goes on; milliseconds each. */
async function measure(call: Call, work: () => Promise<void>): Promise<number[]> {
  const { id } = await call<Run>('POST', '/v1/runs', { suite: 'probe', definition: { run: 'true' } })
  await ended(call, id)
  const times: number[] = []
  let going = true
  const probe = (async () => {
    while (going) {
      const start = performance.now()
      await call('GET', `/v1/runs/${id}`)
      times.push(performance.now() - start)
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS))
    }
  })()
  await work()
  going = false
  await probe
  return times
}

function row(what: string, times: readonly number[], mostMs: number): Row {
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)]
  const figure = `${p50.toFixed(1)} ms, ${p99.toFixed(1)} ms`
  return { what, figure, goal: `p99 ≤ ${mostMs} ms`, met: p99 <= mostMs }
}
