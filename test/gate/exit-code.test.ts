import { describe, expect, it } from 'vitest'
import { AddressError, ApiError, KeyError, UnreachableError, WaitLimitError } from '../../client/index.ts'
import { ERRORS, type ErrorCode, OAUTH_ERRORS, type OAuthErrorCode } from '../../contract/errors.ts'
import { REASONS, type ReasonCode, RUN_STATES } from '../../contract/reasons.ts'
import { type ExitCode, exitCodeOfError, exitCodeOfRun, gravest, stateOf } from '../../gate/exit-code.ts'
import { WrongUseError } from '../../gate/wrong-use.ts'
import { selectSuites } from '../../tree/select.ts'
import { loadSuiteFile, readSuiteFile } from '../../tree/suite-file.ts'
import { TreeError } from '../../tree/tree-error.ts'

describe('the exit code of a run', () => {
  it.each([
    ['queued', null, 4],
    ['running', null, 4],
    ['passed', null, 0],
    ['failed', 'suite', 1],
    ['failed', 'service', 1],
    ['failed', null, 1],
    ['errored', 'suite', 1],
    ['errored', 'service', 4],
    ['errored', null, 4],
    ['timed_out', null, 5],
    ['timed_out', 'suite', 5],
    ['cancelled', null, 6],
    ['cancelled', 'service', 6],
  ] as const)('that is %s with fault %s is %d', (state, fault, code) => {
    expect(exitCodeOfRun({ state, reason: { code: 'some_new_code', message: '', fault } })).toBe(code)
    if (fault === null) expect(exitCodeOfRun({ state, reason: null })).toBe(code)
  })

  it('is never 0 for a reason, and follows the fault of every reason of the contract', () => {
    for (const code of Object.keys(REASONS) as ReasonCode[]) {
      const { state, fault } = REASONS[code]
      const expected: Record<string, ExitCode> = { timed_out: 5, cancelled: 6 }
      expect([code, exitCodeOfRun({ state, reason: { code, message: '', fault } })]).toEqual([
        code,
        expected[state] ?? (fault === 'suite' ? 1 : 4),
      ])
    }
  })

  it('is 0 for one state only', () => {
    expect(RUN_STATES.filter((state) => exitCodeOfRun({ state, reason: null }) === 0)).toEqual(['passed'])
  })
})

const NOT_AUTHORISED: readonly ErrorCode[] = [
  'unauthorized',
  'invalid_token',
  'insufficient_scope',
  'exceeds_caller',
  'address_refused',
  'suite_not_allowed',
  'owner_needed',
]

describe('the exit code of an error', () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])('is right for the answer %s', (code) => {
    const { status } = ERRORS[code]
    const expected = NOT_AUTHORISED.includes(code) ? 3 : status === 429 || status >= 500 ? 4 : 2
    expect(exitCodeOfError(new ApiError('', { code, status, during: 'call' }))).toBe(expected)
  })

  it.each(Object.keys(OAUTH_ERRORS) as OAuthErrorCode[])('is right for %s of the exchange', (code) => {
    const status = OAUTH_ERRORS[code]
    const expected = [400, 401, 403].includes(status) ? 3 : 4
    expect(exitCodeOfError(new ApiError('', { code, status, during: 'exchange' }))).toBe(expected)
  })

  it.each([
    ['a redirect of the exchange', new ApiError('', { code: 'redirect', status: 302, during: 'exchange' }), 2],
    ['a page of something else', new ApiError('', { code: 'not_verdict', status: 404, during: 'exchange' }), 2],
    ['a bad gateway', new ApiError('', { code: 'not_verdict', status: 502, during: 'call' }), 4],
    ['a wrong address', new AddressError(''), 2],
    ['a wrong key', new KeyError(''), 3],
    ['no answer', new UnreachableError(''), 4],
    ["the client's own limit", new WaitLimitError(''), 5],
    ['wrong use', new WrongUseError(''), 2],
    ['a file that cannot be packed', new TreeError('missing', ''), 2],
    ['a bug', new TypeError('x is undefined'), 4],
    ['no error at all', 'text', 4],
  ] as const)('of %s', (_, error, code) => {
    expect(exitCodeOfError(error)).toBe(code)
  })

  it('is 2 for a wrong suite file, a name that it does not have, and a file that is not there', async () => {
    const thrown = (act: () => unknown) => {
      try {
        return act()
      } catch (error) {
        return error
      }
    }
    expect(exitCodeOfError(thrown(() => readSuiteFile('verdict.yaml', 'suites: 1')))).toBe(2)
    const file = readSuiteFile('verdict.yaml', 'suites: { smoke: { run: "true" } }')
    expect(exitCodeOfError(thrown(() => selectSuites(file, ['smok'])))).toBe(2)
    expect(exitCodeOfError(await loadSuiteFile('/nowhere/verdict.yaml').catch((error) => error))).toBe(2)
  })
})

describe('several suites', () => {
  it('are judged by the gravest, in the order 2, 3, 1, 5, 4, 6, 0', () => {
    const order: ExitCode[] = [2, 3, 1, 5, 4, 6, 0]
    for (const [i, graver] of order.entries()) {
      for (const lighter of order.slice(i)) {
        expect(gravest([lighter, graver])).toBe(graver)
        expect(gravest([graver, lighter])).toBe(graver)
      }
    }
  })

  it('that are none are no green', () => {
    expect(gravest([])).toBe(4)
    expect(stateOf([])).toBe('errored')
  })

  it.each([
    [[['passed', 0]], 'passed'],
    [
      [
        ['passed', 0],
        ['queued', 0],
      ],
      'queued',
    ],
    [
      [
        ['errored', 1],
        ['failed', 1],
        ['passed', 0],
      ],
      'failed',
    ],
    [
      [
        ['errored', 1],
        ['timed_out', 5],
      ],
      'errored',
    ],
    [
      [
        ['cancelled', 5],
        ['passed', 0],
      ],
      'timed_out',
    ],
    [
      [
        ['cancelled', 6],
        ['passed', 0],
      ],
      'cancelled',
    ],
    [[[undefined, 6]], 'cancelled'],
    [
      [
        ['errored', 4],
        ['cancelled', 6],
      ],
      'errored',
    ],
    [
      [
        [undefined, 2],
        ['passed', 0],
      ],
      'errored',
    ],
    [[['running', 3]], 'errored'],
  ] as const)('%j have one state: %s', (outcomes, state) => {
    const given = outcomes.map(([of, exitCode]) => ({ run: of === undefined ? undefined : { state: of }, exitCode }))
    expect(stateOf(given)).toBe(state)
  })
})
