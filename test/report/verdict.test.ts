import { describe, expect, it } from 'vitest'
import type { Results } from '../../contract/cases.ts'
import { REASONS, type ReasonCode } from '../../contract/reasons.ts'
import {
  checkVerdict,
  commandCase,
  countResults,
  decide,
  failingNames,
  type Outcome,
  type ReportOutcome,
} from '../../report/verdict.ts'
import { aCase } from './cases.ts'

const counts = (some: Partial<Results>): Results => {
  const all = { passed: 0, failed: 0, skipped: 0, errored: 0, flaky: 0, ...some }
  return { total: all.passed + all.failed + all.skipped + all.errored, ...all }
}
const read = (some: Partial<Results>, failing: string[] = []): ReportOutcome => ({
  kind: 'read',
  results: counts(some),
  failing,
})
const ok = { exitCode: 0, signal: null }
const exit = (exitCode: number) => ({ exitCode, signal: null })
const missing: ReportOutcome = { kind: 'problem', code: 'report_missing', message: 'no file matches report.xml' }

describe('countResults', () => {
  it('counts every case once, and flaky ones as passed too', () => {
    const cases = [
      aCase(),
      aCase({ flaky: true }),
      aCase({ state: 'failed' }),
      aCase({ state: 'errored' }),
      aCase({ state: 'skipped' }),
    ]
    expect(countResults(cases)).toEqual({ total: 5, passed: 2, failed: 1, errored: 1, skipped: 1, flaky: 1 })
  })

  it('takes no failed case for flaky', () => {
    expect(countResults([aCase({ state: 'failed', flaky: true })]).flaky).toBe(0)
  })
})

describe('decide', () => {
  it('says passed when a test ran and passed, none failed and the command exited with 0', () => {
    expect(decide({ setup: ok, command: ok, report: read({ passed: 1, skipped: 3 }) })).toEqual({
      state: 'passed',
      reason: null,
    })
  })

  it('judges a suite without a report by the exit code', () => {
    expect(decide({ command: ok, report: { kind: 'none' } }).state).toBe('passed')
    expect(decide({ command: exit(3), report: { kind: 'none' } }).reason).toEqual({
      code: 'command_failed',
      message: 'The command exited with code 3.',
      fault: 'suite',
    })
  })

  const problem = (code: 'report_invalid' | 'report_too_large'): ReportOutcome => ({
    kind: 'problem',
    code,
    message: 'x',
  })
  const stop = (code: NonNullable<Outcome['stopped']>['code']) => ({ code, message: code })
  it.each<[ReasonCode, Outcome]>([
    ['cancelled_by_user', { stopped: stop('cancelled_by_user'), command: exit(143), report: read({ failed: 1 }) }],
    ['abandoned', { stopped: stop('abandoned'), setup: exit(1) }],
    [
      'timeout',
      { stopped: stop('timeout'), command: { exitCode: null, signal: 'SIGKILL' }, report: read({ failed: 2 }) },
    ],
    ['timeout', { stopped: stop('timeout'), command: ok, report: read({ passed: 2 }) }],
    ['memory_limit', { stopped: stop('memory_limit'), command: exit(137), report: missing }],
    ['process_limit', { stopped: stop('process_limit'), command: exit(1), report: read({ failed: 1 }) }],
    ['disk_limit', { stopped: stop('disk_limit'), setup: exit(1) }],
    ['setup_failed', { setup: exit(1) }],
    ['setup_failed', { setup: { exitCode: null, signal: 'SIGSEGV' } }],
    ['tests_failed', { command: exit(1), report: read({ passed: 1, failed: 1 }) }],
    ['tests_failed', { command: ok, report: read({ passed: 1, errored: 1 }) }],
    ['tests_failed', { stopped: stop('sandbox_failed'), command: ok, report: read({ passed: 1, errored: 1 }) }],
    ['command_failed', { command: exit(1), report: read({ passed: 5 }) }],
    ['command_failed', { command: exit(1), report: missing }],
    ['command_failed', { command: exit(1), report: read({}) }],
    ['command_failed', { command: { exitCode: null, signal: 'SIGABRT' }, report: problem('report_invalid') }],
    ['report_missing', { command: ok, report: missing }],
    ['report_invalid', { command: ok, report: problem('report_invalid') }],
    ['report_too_large', { command: ok, report: problem('report_too_large') }],
    ['no_tests', { command: ok, report: read({}) }],
    ['no_tests', { command: ok, report: read({ skipped: 4 }) }],
    ['sandbox_failed', { stopped: stop('sandbox_failed') }],
    ['archive_lost', { stopped: stop('archive_lost') }],
    ['internal', {}],
    ['internal', { setup: ok }],
    ['internal', { command: ok }],
  ])('gives %s, state and fault by the table, for %j', (code, outcome) => {
    const { state, reason } = decide(outcome)
    expect(reason?.code).toBe(code)
    expect({ state, fault: reason?.fault }).toEqual(REASONS[code])
    expect(reason?.message).not.toBe('')
  })

  it.each<[string, Outcome]>([
    ['3 of 120 tests failed: a, b, c', { command: ok, report: read({ passed: 117, failed: 3 }, ['a', 'b', 'c']) }],
    ['5 of 5 tests failed: a, b, c, …', { command: ok, report: read({ failed: 5 }, ['a', 'b', 'c']) }],
    ['1 of 1 test errored: two lines', { command: ok, report: read({ errored: 1 }, ['two\n lines\u001b[31m']) }],
    ['2 of 1,002 tests failed or errored', { command: ok, report: read({ passed: 1000, failed: 1, errored: 1 }) }],
    ['The command exited with code 2 although no test failed.', { command: exit(2), report: read({ passed: 9 }) }],
    ['The command exited with code 2 and left no report.', { command: exit(2), report: missing }],
    [
      'The command exited with code 127 (the program was not found) and left no report.',
      { command: exit(127), report: missing },
    ],
    [
      'The command was ended by signal SIGSEGV.',
      { command: { exitCode: null, signal: 'SIGSEGV' }, report: { kind: 'none' } },
    ],
    ['The setup command exited with code 1; no test was run. The log says why.', { setup: exit(1) }],
    ['No test ran: all 4 were skipped.', { command: ok, report: read({ skipped: 4 }) }],
    ['no file matches report.xml', { command: ok, report: missing }],
  ])('says "%s"', (message, outcome) => {
    expect(decide(outcome).reason?.message).toBe(message)
  })

  it('keeps a very long test name out of the message', () => {
    expect(
      decide({ command: ok, report: read({ failed: 1 }, ['x'.repeat(5000)]) }).reason?.message.length,
    ).toBeLessThan(200)
  })
})

describe('commandCase', () => {
  it('is one case, named after the suite', () => {
    expect(commandCase('smoke', ok, 12)).toMatchObject({
      name: 'smoke',
      state: 'passed',
      durationMs: 12,
      message: null,
    })
    expect(commandCase('smoke', exit(2), 12)).toMatchObject({
      state: 'failed',
      message: 'The command exited with code 2.',
    })
    expect(commandCase('smoke', { exitCode: null, signal: 'SIGKILL' }, null).state).toBe('failed')
  })
})

describe('failingNames', () => {
  it('gives the first three that failed or errored', () => {
    const names = ['a', 'b', 'c', 'd'].map((name) => aCase({ name, state: name === 'b' ? 'errored' : 'failed' }))
    expect(failingNames([aCase(), aCase({ state: 'skipped' }), ...names])).toEqual(['a', 'b', 'c'])
  })
})

describe('checkVerdict', () => {
  const because = (code: string) => ({ code, message: 'why' })

  it('takes what decide gives', () => {
    const { reason } = decide({ command: exit(1), report: read({ passed: 1, failed: 1 }) })
    expect(checkVerdict(counts({ passed: 1, failed: 1 }), reason)).toEqual({ verdict: { state: 'failed', reason } })
    expect(checkVerdict(counts({ passed: 1 }), null)).toEqual({ verdict: { state: 'passed', reason: null } })
  })

  it('takes the failed case of a suite without a report', () => {
    expect(checkVerdict(counts({ failed: 1 }), because('command_failed'))).toHaveProperty('verdict.state', 'failed')
  })

  it('takes a timed-out run with or without the counts so far', () => {
    expect(checkVerdict(null, because('timeout'))).toHaveProperty('verdict.state', 'timed_out')
    expect(checkVerdict(counts({ passed: 3, failed: 1 }), because('timeout'))).toHaveProperty(
      'verdict.reason.fault',
      null,
    )
  })

  it.each<[string, Results | null, { code: string; message: string } | null]>([
    ['passed with failures', counts({ passed: 1, failed: 1 }), null],
    ['passed with errors', counts({ passed: 1, errored: 1 }), null],
    ['passed without counts', null, null],
    ['passed with nothing but skipped', counts({ skipped: 3 }), null],
    ['passed with no test', counts({}), null],
    ['tests_failed without failures', counts({ passed: 1 }), because('tests_failed')],
    ['tests_failed without counts', null, because('tests_failed')],
    ['no_tests with tests', counts({ passed: 1 }), because('no_tests')],
    ['no_tests without counts', null, because('no_tests')],
    ['command_failed with failures', counts({ passed: 1, failed: 1 }), because('command_failed')],
    ['a fault of the service with failures', counts({ passed: 1, failed: 1 }), because('sandbox_failed')],
    ['counts that do not add up', { ...counts({ passed: 1 }), total: 2 }, null],
    ['negative counts', { ...counts({ passed: 1 }), passed: 2, failed: -1 }, null],
    ['counts that are not whole', counts({ passed: 1.5 }), null],
    ['more flaky than passed', counts({ passed: 1, flaky: 2 }), null],
    ['an unknown reason', null, because('bad_weather')],
    ['a reason from the prototype', null, because('constructor')],
  ])('refuses %s', (_, results, reason) => {
    expect(checkVerdict(results, reason)).toHaveProperty('problem')
  })
})
