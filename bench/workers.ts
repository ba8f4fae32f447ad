import { ApiError, createCaller, systemClock, systemRandom } from '../client/index.ts'
import { nodeTransport } from '../transport/node/node.ts'
import { httpWork } from '../worker/http-work.ts'
import type { Job } from '../worker/work.ts'
import { apiCaller, busyPause, UNAVAILABLE } from './api.ts'
import type { BenchServer } from './processes.ts'

/** A worker as on another machine, by its own key, whose runner does nothing: what is left is the queue. */
export interface BenchWorker {
  claim(): Promise<Job | undefined>
  finish(job: Job): Promise<void>
  /** Its cases and its log, as of a suite of one case. */
  report(job: Job): Promise<void>
  close(): void
}

const FACTS = { labels: [], runner: 'sandbox' }
const CASE = { name: 'adds', classname: 'Sum', testSuite: null, file: 'test/sum.test.js', line: null, flaky: false }

export async function addWorker(server: BenchServer): Promise<BenchWorker> {
  const { call } = await apiCaller(server)
  const { key } = await call<{ key: string }>('POST', '/v1/workers', { name: 'bench' })
  const transport = nodeTransport({ env: {} })
  const around = { transport, clock: systemClock, random: systemRandom, userAgent: 'verdict-bench/0' }
  const work = httpWork(createCaller({ url: server.url, apiKey: key, ...around }), {
    version: '0.0.0',
    onRefused({ error }) {
      throw error
    },
  })
  const never = new AbortController().signal
  await work.hello(FACTS)
  return {
    async claim() {
      for (;;) {
        try {
          return await work.claim(FACTS, 0, never)
        } catch (error) {
          if (!(error instanceof ApiError) || error.status !== UNAVAILABLE) throw error
          await busyPause()
        }
      }
    },
    async finish({ lease }) {
      const results = { total: 1, passed: 1, failed: 0, skipped: 0, errored: 0, flaky: 0 }
      if ((await work.finish(lease, { results, reason: null })) === 'lost') throw new Error(`${lease.run} was lost`)
    },
    async report({ lease }) {
      await work.log(lease, 1, 'adds ... ok\n1 passed\n')
      await work.cases(lease, 1, [{ ...CASE, state: 'passed', durationMs: 3, message: null, details: null }])
    },
    close: () => transport.close(),
  }
}

/** Takes and ends runs until the queue is empty or the time is over. Answers how many. */
export async function drain(
  workers: readonly BenchWorker[],
  { patienceMs = Number.POSITIVE_INFINITY } = {},
): Promise<number> {
  const until = performance.now() + patienceMs
  let ended = 0
  async function work(worker: BenchWorker): Promise<void> {
    while (performance.now() < until) {
      const job = await worker.claim()
      if (!job) return
      await worker.finish(job)
      ended++
    }
  }
  await Promise.all(workers.map(work))
  return ended
}
