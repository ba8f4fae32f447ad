import type { StopCode } from '../report/verdict.ts'

/** Ends an attempt with this reason; the message is for people. */
export class Judged extends Error {
  override readonly name = 'Judged'
  readonly code: StopCode | 'setup_failed'

  constructor(code: Judged['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
