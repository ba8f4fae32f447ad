import type { CallOptions, Client } from '../client/index.ts'
import type { CaseState } from '../contract/case-limits.ts'
import type { Case } from '../contract/cases.ts'
import type { Run } from '../contract/runs.ts'

/** Enough for people; the JUnit file has all. */
const MOST_FAILURES = 200
/** Flaky cases hide among the passed ones, and reports can be very long. */
const MOST_PASSED_READ = 2000

/** The failed, then the errored, then the flaky cases of a run, each a bounded number. Rejects as calls do. */
export async function notableCases(client: Client, run: Run, options: CallOptions): Promise<Case[]> {
  const { results } = run
  if (results === null) return []
  const read = async (state: CaseState, limit: number) => {
    const cases: Case[] = []
    for await (const one of client.runs.cases(run.id, { state }, { ...options, limit })) cases.push(one)
    return cases
  }
  const [failed, errored, passed] = await Promise.all([
    results.failed > 0 ? read('failed', MOST_FAILURES) : [],
    results.errored > 0 ? read('errored', MOST_FAILURES) : [],
    results.flaky > 0 ? read('passed', MOST_PASSED_READ) : [],
  ])
  return [...failed, ...errored, ...passed.filter(({ flaky }) => flaky)]
}
