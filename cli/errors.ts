import { ApiError } from '../client/index.ts'
import { exitCodeOfError } from '../gate/exit-code.ts'
import { neutral } from '../report/terminal.ts'
import { InterruptedError } from './interruption.ts'

/** Faults of the program itself: who reports one needs to say where. */
const FAULTS = [TypeError, RangeError, ReferenceError, SyntaxError]

/** What a person is told of a failure; nothing in it can forge a line for the terminal or the CI system. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return neutral(String(error))
  const isFault = FAULTS.some((fault) => error instanceof fault)
  return neutral(isFault ? `this is a fault of verdict itself, please report it: ${error.stack}` : error.message)
}

/** A failure as --json has it: what a program needs to tell one from another. */
export function errorObject(error: unknown): object {
  const { code, status, requestId, errors } = error instanceof ApiError ? error : ({} as Partial<ApiError>)
  return { message: explain(error), exitCode: exitCodeOf(error), code, status, requestId, errors }
}

export function exitCodeOf(error: unknown): number {
  return error instanceof InterruptedError ? error.exitCode : exitCodeOfError(error)
}
