import type { Case, ReportedCase, Results } from '../contract/cases.ts'
import { type Fault, type FinalState, REASONS, type ReasonCode } from '../contract/reasons.ts'
import { counted, cut, oneLine } from './text.ts'

/** How a command ended: exactly one of the two is not null. */
export interface Exit {
  exitCode: number | null
  signal: string | null
}

/** What is known of a report once the command has ended. */
export type ReportOutcome =
  | { kind: 'none' }
  | { kind: 'read'; results: Results; failing: readonly string[] }
  | { kind: 'problem'; code: 'report_missing' | 'report_invalid' | 'report_too_large'; message: string }

/** Reasons that do not come from exits and reports: somebody, or a limit, or the service ended the run. */
export type StopCode = Exclude<
  ReasonCode,
  | 'setup_failed'
  | 'tests_failed'
  | 'command_failed'
  | 'no_tests'
  | 'report_missing'
  | 'report_invalid'
  | 'report_too_large'
>

/** All that decides a run. What did not come to be (no setup, no command started, no report looked for) is left out. */
export interface Outcome {
  stopped?: { code: StopCode; message: string }
  setup?: Exit
  command?: Exit
  report?: ReportOutcome
}

export interface VerdictReason {
  code: ReasonCode
  message: string
  fault: Fault
}
export interface Verdict {
  state: FinalState
  reason: VerdictReason | null
}

/** The order in which the first that applies decides (wire 5). */
const ORDER = Object.keys(REASONS) as ReasonCode[]
const NAMES_SHOWN = 3
const NAME_SHOWN_LENGTH = 120
/** What shells and kernels mean by an exit code. */
const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  126: 'the program is not executable',
  127: 'the program was not found',
  137: 'killed, often for want of memory',
  139: 'a crash: segmentation fault',
}

/** Counts the cases; flaky ones are a part of the passed. */
export function countResults(cases: Iterable<Pick<Case, 'state' | 'flaky'>>): Results {
  const results: Results = { total: 0, passed: 0, failed: 0, skipped: 0, errored: 0, flaky: 0 }
  for (const { state, flaky } of cases) {
    results.total++
    results[state]++
    if (flaky && state === 'passed') results.flaky++
  }
  return results
}

/** Names of the first failed and errored cases, as many as a verdict's message shows. */
export function failingNames(cases: Iterable<Pick<Case, 'name' | 'state'>>): string[] {
  const names: string[] = []
  for (const { name, state } of cases) {
    if (state !== 'failed' && state !== 'errored') continue
    names.push(name)
    if (names.length === NAMES_SHOWN) break
  }
  return names
}

/** The one case of a suite that declares no report: it is judged by its exit code (wire 5). */
export function commandCase(suite: string, exit: Exit, durationMs: number | null): ReportedCase {
  const passed = exit.exitCode === 0
  return {
    name: suite,
    classname: null,
    testSuite: null,
    file: null,
    line: null,
    state: passed ? 'passed' : 'failed',
    durationMs,
    message: passed ? null : `The command ${howItEnded(exit)}.`,
    details: null,
    flaky: false,
  }
}

/** The one verdict of a run: of all reasons that apply, the first by the order of contract/reasons.ts; none: passed. */
export function decide(outcome: Outcome): Verdict {
  const reasons = reasonsOf(outcome)
  for (const code of ORDER) {
    const message = reasons.get(code)
    if (message !== undefined) return verdict(code, message)
  }
  return { state: 'passed', reason: null }
}

/**
 * The verdict that a worker's counts and reason stand for, or what is wrong with them. State and fault come from the table,
 * so a worker cannot say passed where something failed, nor call its own fault the service's.
 */
export function checkVerdict(
  results: Results | null,
  reason: { code: string; message: string } | null,
): { verdict: Verdict } | { problem: string } {
  if (results && !areCounts(results)) return { problem: 'the counts do not add up' }
  const failing = results ? results.failed + results.errored : 0
  if (reason === null) {
    if (failing > 0) return { problem: `passed, although ${counted(failing, 'test')} failed` }
    if (!results || results.passed === 0) return { problem: 'passed, although no test ran and passed' }
    return { verdict: { state: 'passed', reason: null } }
  }
  if (!isReasonCode(reason.code)) return { problem: `there is no reason ${JSON.stringify(reason.code.slice(0, 50))}` }
  if (reason.code === 'tests_failed' && failing === 0) return { problem: 'tests_failed, although no test failed' }
  if (reason.code === 'no_tests' && (!results || results.total !== results.skipped)) {
    return { problem: 'no_tests, although tests ran' }
  }
  // The one case of a suite without a report fails with its command.
  const byExitCode = reason.code === 'command_failed' && results?.total === 1
  if (failing > 0 && !byExitCode && ORDER.indexOf(reason.code) > ORDER.indexOf('tests_failed')) {
    return { problem: `${reason.code}, although ${counted(failing, 'test')} failed` }
  }
  return { verdict: verdict(reason.code, reason.message) }
}

function verdict(code: ReasonCode, message: string): Verdict {
  const { state, fault } = REASONS[code]
  return { state, reason: { code, message, fault } }
}

function reasonsOf({ stopped, setup, command, report }: Outcome): Map<ReasonCode, string> {
  const reasons = new Map<ReasonCode, string>()
  if (stopped) reasons.set(stopped.code, stopped.message)
  if (setup && setup.exitCode !== 0) {
    reasons.set('setup_failed', `The setup command ${howItEnded(setup)}; no test was run. The log says why.`)
  }
  if (report?.kind === 'read') {
    const { failed, errored, total, skipped } = report.results
    if (failed + errored > 0) reasons.set('tests_failed', failureMessage(report.results, report.failing))
    if (total === 0) reasons.set('no_tests', 'The report holds no test. A run without tests is never passed.')
    else if (skipped === total) {
      reasons.set('no_tests', `No test ran: ${total === 1 ? 'the only one was' : `all ${total} were`} skipped.`)
    }
  }
  if (report?.kind === 'problem') reasons.set(report.code, report.message)
  if (command && command.exitCode !== 0) {
    reasons.set('command_failed', `The command ${howItEnded(command)}${besides(report)}.`)
  }
  // Nothing ran, and nobody said why: that must never look like a passed run.
  if (reasons.size === 0 && !command) reasons.set('internal', 'The run ended before its command was started.')
  if (reasons.size === 0 && !report) reasons.set('internal', 'The run ended before its results were read.')
  return reasons
}

function howItEnded({ exitCode, signal }: Exit): string {
  if (exitCode === null) return `was ended by ${signal ? `signal ${signal}` : 'an unknown signal'}`
  const meaning = EXIT_MEANINGS[exitCode]
  return `exited with code ${exitCode}${meaning ? ` (${meaning})` : ''}`
}

function besides(report: ReportOutcome | undefined): string {
  if (report?.kind === 'read') return report.results.total === 0 ? ' and reported no test' : ' although no test failed'
  return report?.kind === 'problem' && report.code === 'report_missing' ? ' and left no report' : ''
}

function failureMessage({ failed, errored, total }: Results, failing: readonly string[]): string {
  const what = failed === 0 ? 'errored' : errored === 0 ? 'failed' : `failed or errored`
  const count = failed + errored
  const names = failing.slice(0, NAMES_SHOWN).map((name) => cut(oneLine(name), NAME_SHOWN_LENGTH))
  if (names.length < count && names.length > 0) names.push('…')
  return `${count} of ${counted(total, 'test')} ${what}${names.length > 0 ? `: ${names.join(', ')}` : ''}`
}

function areCounts(results: Results): boolean {
  const { total, passed, failed, skipped, errored, flaky } = results
  const whole = [total, passed, failed, skipped, errored, flaky].every((n) => Number.isSafeInteger(n) && n >= 0)
  return whole && total === passed + failed + skipped + errored && flaky <= passed
}

function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(REASONS, code)
}
