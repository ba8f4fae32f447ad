/** All report files of a run together, bytes. */
export const REPORT_MAX_BYTES = 50 * 1000 * 1000
/** All cases of a run. */
export const REPORT_MAX_CASES = 200_000
/** Elements that mean something (suites, cases, failures, outputs), all files of a run together: what bounds the memory. */
export const REPORT_MAX_ELEMENTS = 1_000_000
/** Elements within elements. */
export const REPORT_MAX_DEPTH = 100

export type ReportErrorCode = 'report_invalid' | 'report_too_large'

/** A report that gives no results. The message names the file and says what to do; the code is one of contract/reasons.ts. */
export class ReportError extends Error {
  readonly code: ReportErrorCode

  constructor(code: ReportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ReportError'
    this.code = code
  }
}
