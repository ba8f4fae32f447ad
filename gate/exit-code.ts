import { AddressError, ApiError, KeyError, UnreachableError, WaitLimitError } from '../client/index.ts'
import { type FinalState, isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'
import { UnknownSuiteError } from '../tree/select.ts'
import { SuiteFileError } from '../tree/suite-file-error.ts'
import { TreeError } from '../tree/tree-error.ts'
import { WrongUseError } from './wrong-use.ts'

/** What an exit code says (wire 8). 130 and 143 are the signals' own. */
export const EXIT_CODES = {
  passed: 0,
  failed: 1,
  wrong_use: 2,
  not_authorised: 3,
  no_verdict: 4,
  timed_out: 5,
  cancelled: 6,
} as const
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES]

/** Of several suites the gravest decides. */
const BY_GRAVITY: readonly ExitCode[] = [2, 3, 1, 5, 4, 6, 0]

/** The exit code of several: 4 of none, since without a verdict there is no green. */
export function gravest(codes: Iterable<ExitCode>): ExitCode {
  const all = new Set(codes)
  return BY_GRAVITY.find((code) => all.has(code)) ?? EXIT_CODES.no_verdict
}

const BY_STATE: Readonly<Record<Exclude<FinalState, 'errored'>, ExitCode>> = {
  passed: EXIT_CODES.passed,
  failed: EXIT_CODES.failed,
  timed_out: EXIT_CODES.timed_out,
  cancelled: EXIT_CODES.cancelled,
}

/** State decides first, then fault; a code of `reason` that this client does not know changes nothing. */
export function exitCodeOfRun({ state, reason }: Pick<Run, 'state' | 'reason'>): ExitCode {
  if (!isFinal(state)) return EXIT_CODES.no_verdict
  if (state === 'errored') return reason?.fault === 'suite' ? EXIT_CODES.failed : EXIT_CODES.no_verdict
  return BY_STATE[state]
}

type ErrorClass = abstract new (...args: never[]) => Error
/** Errors that say it by their kind alone. */
const BY_ERROR: readonly (readonly [ErrorClass, ExitCode])[] = [
  [WrongUseError, EXIT_CODES.wrong_use],
  [AddressError, EXIT_CODES.wrong_use],
  [SuiteFileError, EXIT_CODES.wrong_use],
  [UnknownSuiteError, EXIT_CODES.wrong_use],
  [TreeError, EXIT_CODES.wrong_use],
  [KeyError, EXIT_CODES.not_authorised],
  [UnreachableError, EXIT_CODES.no_verdict],
  [WaitLimitError, EXIT_CODES.timed_out],
]

/** The exit code of what was thrown. What nobody foresaw is no verdict. */
export function exitCodeOfError(error: unknown): ExitCode {
  if (error instanceof ApiError) return exitCodeOfAnswer(error)
  const known = BY_ERROR.find(([kind]) => error instanceof kind)
  if (known !== undefined) return known[1]
  // A file of the caller that cannot be read or written.
  return isFileError(error) ? EXIT_CODES.wrong_use : EXIT_CODES.no_verdict
}

function exitCodeOfAnswer({ code, status, during }: ApiError): ExitCode {
  if (status === 429 || status >= 500) return EXIT_CODES.no_verdict
  // Not Verdict, or not at this address: no statement about the key, whatever the status.
  if (code === 'redirect' || code === 'not_verdict') return EXIT_CODES.wrong_use
  if (during === 'exchange' || status === 401) return EXIT_CODES.not_authorised
  // The one refusal that another flag helps against: --stored.
  if (status === 403) return code === 'suite_locked' ? EXIT_CODES.wrong_use : EXIT_CODES.not_authorised
  return EXIT_CODES.wrong_use
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error
}

/** One state for several suites, by the same order of gravity; `errored` where an error took the verdict's place. */
export function stateOf(outcomes: readonly { run?: Pick<Run, 'state'>; exitCode: ExitCode }[]): Run['state'] {
  const code = gravest(outcomes.map(({ exitCode }) => exitCode))
  if (code === EXIT_CODES.timed_out) return 'timed_out'
  const states = outcomes.filter(({ exitCode }) => exitCode === code).map(({ run }) => run?.state)
  if (code === EXIT_CODES.failed) return states.includes('failed') ? 'failed' : 'errored'
  if (code === EXIT_CODES.cancelled) return 'cancelled'
  // Accepted and not waited for: the run's own state, which is not final yet.
  return code === EXIT_CODES.passed ? (states.find((state) => state !== 'passed') ?? 'passed') : 'errored'
}
