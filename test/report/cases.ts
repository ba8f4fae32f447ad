import type { ReportedCase } from '../../contract/cases.ts'
import type { ReportedRun } from '../../report/run-report.ts'

/** A case that passed, with what a test wants to be different. */
export function aCase(changes: Partial<ReportedCase> = {}): ReportedCase {
  return {
    name: 'adds an item',
    classname: 'cart',
    testSuite: null,
    file: null,
    line: null,
    state: 'passed',
    durationMs: 5,
    message: null,
    details: null,
    flaky: false,
    ...changes,
  }
}

export function aFailure(changes: Partial<ReportedCase> = {}): ReportedCase {
  return aCase({
    name: 'totals',
    state: 'failed',
    file: 'test/cart.test.js',
    line: 12,
    message: '3 !== 2',
    details: 'AssertionError: 3 !== 2\n    at test/cart.test.js:12:5',
    ...changes,
  })
}

/** A run that passed, with what a test wants to be different. */
export function aRun(changes: Partial<ReportedRun> = {}): ReportedRun {
  return {
    id: 'run_01',
    suite: 'smoke',
    state: 'passed',
    results: { total: 13, passed: 12, failed: 0, skipped: 1, errored: 0, flaky: 0 },
    reason: null,
    durationMs: 3200,
    url: 'https://verdict.example/v1/runs/run_01',
    webUrl: null,
    ...changes,
  }
}

export function aFailedRun(failed: number, changes: Partial<ReportedRun> = {}): ReportedRun {
  return aRun({
    state: 'failed',
    results: { total: failed + 10, passed: 10, failed, skipped: 0, errored: 0, flaky: 0 },
    reason: { code: 'tests_failed', message: `${failed} of ${failed + 10} tests failed`, fault: 'suite' },
    ...changes,
  })
}
