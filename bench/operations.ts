import { Pool } from 'undici'
import { busyPause, exchange, exchangeForm, FORM, UNAVAILABLE } from './api.ts'
import { repeated, type Subject } from './load.ts'
import { BRANCH, SUITE, triggerOf } from './template.ts'
import { addWorker, drain } from './workers.ts'
import type { World } from './worlds.ts'

const AT_ONCE = 8
const WORKERS = 2
const EXCHANGES = 600
const TRIGGERS = 300
const READS = 600
const LISTS = 150
/** A trial is broken off after this, where a store is so slow that it would take for ever. */
const PATIENCE_MS = 3000
const FILTERS = ['', `suite=${SUITE}`, 'state=passed', `branch=${BRANCH}`, 'label=nightly&since=2020-01-01T00:00:00Z']

export type Operation = 'exchange' | 'trigger' | 'GET a run' | 'list of runs' | 'claim and finish'

/** What is measured, in this order: the claims take what the triggers put into the queue. */
export async function operationsOn({ server, shown, emptyQueue }: World) {
  const pool = new Pool(server.url, { connections: AT_ONCE })
  const bearer = { authorization: `Bearer ${await exchange(`${server.url}/oauth/token`, server.key)}` }
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => addWorker(server)))
  let made = 0

  async function ask(path: string, options: { method: 'GET' | 'POST'; headers: object; body?: string }): Promise<void> {
    for (;;) {
      const { statusCode, body } = await pool.request({ path, ...options } as Parameters<typeof pool.request>[0])
      const text = await body.text()
      if (statusCode < 300) return
      if (statusCode !== UNAVAILABLE) throw new Error(`${path}: ${statusCode} ${text}`)
      await busyPause()
    }
  }
  const get = (path: string) => ask(path, { method: 'GET', headers: bearer })
  const post = (path: string, headers: object, body: string) => ask(path, { method: 'POST', headers, body })
  const times = (count: number, call: (n: number) => Promise<void>): Subject => ({
    pid: server.pid,
    work: () => repeated(count, AT_ONCE, call, { patienceMs: PATIENCE_MS }),
  })
  const one = (of: readonly string[], n: number) => of[n % of.length] as string
  function trigger() {
    return post('/v1/runs', { ...bearer, 'content-type': 'application/json' }, JSON.stringify(triggerOf(made++)))
  }

  const operations: Record<Operation, Subject> = {
    exchange: times(EXCHANGES, (n) => post('/oauth/token', FORM, exchangeForm(one(shown.keys, n)))),
    trigger: { ...times(TRIGGERS, trigger), prepare: emptyQueue },
    'GET a run': times(READS, (n) => get(`/v1/runs/${one(shown.runs, n)}`)),
    'list of runs': times(LISTS, (n) => get(`/v1/runs?${one(FILTERS, n)}`)),
    'claim and finish': { pid: server.pid, work: () => drain(workers, { patienceMs: PATIENCE_MS }) },
  }
  async function close() {
    for (const worker of workers) worker.close()
    await pool.close()
  }
  return { operations, close }
}
