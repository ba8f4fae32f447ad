import type { ReportedCase } from '../contract/cases.ts'
import type { Run } from '../contract/runs.ts'
import { clean } from './text.ts'

/** What reports for people and CI systems tell of a run. */
export type ReportedRun = Pick<Run, 'id' | 'suite' | 'state' | 'results' | 'reason' | 'durationMs' | 'url' | 'webUrl'>

/** A run and as many of its cases as are at hand: the failed, errored and flaky ones are enough for people. */
export interface RunReport {
  run: ReportedRun
  cases: readonly ReportedCase[]
}

export function isFailing({ state }: Pick<ReportedCase, 'state'>): boolean {
  return state === 'failed' || state === 'errored'
}

/** The failed and errored cases at hand, and how many the run has: the list may hold fewer. */
export function failuresOf({ run, cases }: RunReport): { cases: ReportedCase[]; total: number } {
  const failing = cases.filter(isFailing)
  return { cases: failing, total: Math.max(failing.length, (run.results?.failed ?? 0) + (run.results?.errored ?? 0)) }
}

/** The flaky cases at hand, and how many the run has. */
export function flakyOf({ run, cases }: RunReport): { cases: ReportedCase[]; total: number } {
  const flaky = cases.filter((one) => one.flaky)
  return { cases: flaky, total: Math.max(flaky.length, run.results?.flaky ?? 0) }
}

/** States as people say them. */
export const STATE_WORDS = {
  queued: 'queued',
  running: 'running',
  passed: 'passed',
  failed: 'failed',
  errored: 'errored',
  timed_out: 'timed out',
  cancelled: 'cancelled',
} as const satisfies Record<Run['state'], string>

/** One sentence on why the run is not passed; null if it is, or has not ended. */
export function whyNotPassed({ state, reason }: Pick<ReportedRun, 'state' | 'reason'>): string | null {
  if (reason) return reason.message
  if (state === 'passed') return null
  if (state === 'queued' || state === 'running') return `There is no verdict yet: the run is ${state}.`
  return `The run ${state === 'cancelled' ? 'was ' : ''}${STATE_WORDS[state]}.`
}

/** A case's place as `file:line`, or null. */
export function placeOf({ file, line }: Pick<ReportedCase, 'file' | 'line'>): string | null {
  return file === null ? null : line === null ? file : `${file}:${line}`
}

/** A case's message and details, cleaned; details most often begin with the message, which is then not said twice. */
export function textOf({ message, details }: Pick<ReportedCase, 'message' | 'details'>): string {
  const said = message !== null && !details?.includes(message) ? [message, details] : [details]
  return clean(said.filter((part) => part !== null).join('\n\n')).trimEnd()
}

/** A case's name with the suites around it. */
export function fullName({ name, testSuite }: Pick<ReportedCase, 'name' | 'testSuite'>): string {
  return testSuite === null || testSuite === name || name.startsWith(`${testSuite} > `)
    ? name
    : `${testSuite} > ${name}`
}
