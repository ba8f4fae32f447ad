import { isFinal } from '../contract/reasons.ts'
import type { ReportedRun, RunReport } from '../report/run-report.ts'
import { stateOf } from './exit-code.ts'
import type { SuiteOutcome } from './gate.ts'

const NEVER_STARTED: Omit<ReportedRun, 'suite' | 'state'> = {
  id: '',
  results: null,
  reason: null,
  durationMs: null,
  url: '',
  webUrl: null,
}

/** How a suite ended, as reports for people tell it: where an error took the verdict's place, the error is the reason. */
export function reportOf(outcome: SuiteOutcome): RunReport {
  const { suite, run, cases, error } = outcome
  if (error === undefined && run !== undefined) return { run, cases }
  const reason = { code: 'no_verdict', message: error?.message ?? 'There is no verdict', fault: null }
  return { run: { ...NEVER_STARTED, ...run, suite, state: stateOf([outcome]), reason }, cases }
}

/** Whether the suite ended without saying why in its cases: then the end of its log is what people look for. */
export function isUnexplained({ run, cases }: SuiteOutcome): boolean {
  if (run === undefined || !isFinal(run.state) || run.state === 'passed' || run.state === 'cancelled') return false
  return !cases.some(({ details }) => details !== null)
}
