import type { ReportedCase } from '../../contract/cases.ts'
import type { Job, Outcome, Work } from '../../worker/work.ts'
import type { TestServer } from '../support/server.ts'

const NEVER = new AbortController().signal
const FACTS = { labels: ['linux'], runner: 'by hand' }
let workers = 0

/** A worker that a test plays by hand. */
export interface HandWorker {
  readonly work: Work
  /** Lets the server hear of it, without taking anything: a queued run ends when no worker is heard of for a minute. */
  present(): Promise<void>
  /** Takes that run, and all that are older; it must be queued. */
  claim(run: string): Promise<Job>
  /** Hands in that all went well, with one case unless told otherwise. */
  pass(job: Job, cases?: readonly ReportedCase[]): Promise<void>
  finish(job: Job, outcome: Outcome): Promise<void>
}

export function handWorker(server: TestServer): HandWorker {
  let known = false
  const work = server.server.work.forWorker(`wrk_by-hand-${++workers}`)
  const finish = async (job: Job, outcome: Outcome) => {
    const answer = await work.finish(job.lease, outcome)
    if (answer !== 'accepted') throw new Error(`the verdict was ${answer}`)
  }
  return {
    work,
    finish,
    async present() {
      if (!known) await work.claim(FACTS, 0, NEVER)
      known = true
      await work.heartbeat({ run: 'none', attempt: 0 }, 0, NEVER)
    },
    async claim(run) {
      for (;;) {
        const job = await work.claim(FACTS, 0, NEVER)
        if (!job) throw new Error(`${run} is not there to be claimed`)
        if (job.lease.run === run) return job
      }
    },
    async pass(job, cases = [caseOf('works')]) {
      await work.cases(job.lease, 1, cases)
      const results = { total: cases.length, passed: cases.length, failed: 0, skipped: 0, errored: 0, flaky: 0 }
      await finish(job, { results, reason: null })
    },
  }
}

export function caseOf(name: string, more: Partial<ReportedCase> = {}): ReportedCase {
  return {
    name,
    classname: null,
    testSuite: null,
    file: null,
    line: null,
    state: 'passed',
    durationMs: 1,
    message: null,
    details: null,
    flaky: false,
    ...more,
  }
}
