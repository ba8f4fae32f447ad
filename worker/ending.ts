import type { ReasonCode } from '../contract/reasons.ts'
import { formatDuration } from '../report/duration.ts'
import { cut, oneLine } from '../report/text.ts'
import { decide, type StopCode } from '../report/verdict.ts'
import type { Ran } from './commands.ts'
import { Judged } from './judged.ts'
import type { Tested } from './results.ts'
import { type Exit, RunnerError } from './runner/runner.ts'
import type { Stop } from './stop-switch.ts'
import type { Outcome } from './work.ts'

/** All that is known of an attempt at its end; what did not come to be is left out. */
export interface Ending {
  readonly ran?: Ran
  readonly tested?: Tested
  readonly stop?: Stop
  readonly failure?: Judged
  readonly timeoutSeconds: number
  /** What was printed last. */
  readonly lastLines: readonly string[]
  readonly mask: (text: string) => string
}

const MESSAGE_MAX = 1_000
const SETUP_HINT_MAX = 500
const CANCELLED = {
  cancelled_by_user: 'The run was cancelled.',
  abandoned: 'The run was cancelled because the client that waited for it was away too long.',
} as const

/** The outcome by the order of wire 5. */
export function outcomeOf(ending: Ending): Outcome {
  const { tested, lastLines, mask } = ending
  const reason = reasonOf(ending)
  const results = tested?.results ?? null
  if (!reason) return { results, reason: null }
  const isSetup = reason.code === 'setup_failed' && lastLines.length > 0
  const hint = isSetup ? ` Its last lines: ${lastLines.join(' | ').slice(-SETUP_HINT_MAX)}` : ''
  return { results, reason: { code: reason.code, message: cut(oneLine(mask(reason.message) + hint), MESSAGE_MAX) } }
}

function reasonOf(ending: Ending): { code: ReasonCode; message: string } | null {
  const { ran, tested, stop, failure } = ending
  // Not by an exit: what the setup needs could not even be given to it.
  if (failure?.code === 'setup_failed' && !stop) return failure
  return decide({
    stopped: stoppedBy(ending),
    setup: ran?.setup && exitOf(ran.setup),
    command: ran?.command && exitOf(ran.command),
    report: tested?.report,
  }).reason
}

/** The one of stop, limit and failure that comes first in that order. */
function stoppedBy({ stop, ran, failure, timeoutSeconds }: Ending): { code: StopCode; message: string } | undefined {
  if (stop?.kind === 'cancelled') return { code: stop.code, message: CANCELLED[stop.code] }
  if (stop?.kind === 'timeout')
    return { code: 'timeout', message: `The run reached its time limit of ${timeLimit(timeoutSeconds)}.` }
  const limit = ran?.setup?.limit ?? ran?.command?.limit
  if (limit) return limit
  return failure && failure.code !== 'setup_failed' ? { code: failure.code, message: failure.message } : undefined
}

export function timeLimit(seconds: number): string {
  return formatDuration(seconds * 1000)
}

/** What an error means for the run. What is nobody's known fault is ours, and its text is for the operator only. */
export function judgeError(error: unknown): Judged {
  if (error instanceof Judged) return error
  if (error instanceof RunnerError) return new Judged('sandbox_failed', error.message, { cause: error })
  const message =
    'The worker met an error of its own. Start the run again; the log of the worker tells its operator more.'
  return new Judged('internal', message, { cause: error })
}

const OPERATORS: readonly ReasonCode[] = ['sandbox_failed', 'internal']

/** Whether the operator has to hear of it. */
export function concernsOperator({ code }: Judged): boolean {
  return OPERATORS.includes(code)
}

function exitOf({ code, signal }: Exit): { exitCode: number | null; signal: string | null } {
  return { exitCode: code, signal }
}
