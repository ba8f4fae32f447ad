/** One thing that is wrong in a suite file. Line and column count from 1. */
export interface SuiteFileProblem {
  line: number
  column: number
  message: string
}

const MOST_SHOWN = 20

/** Everything that is wrong in a suite file, at once: a line `path:line:column: what and what to do` for each. */
export class SuiteFileError extends Error {
  readonly code = 'suite_file_invalid'
  readonly path: string
  readonly problems: readonly SuiteFileProblem[]

  constructor(path: string, problems: readonly SuiteFileProblem[], options?: ErrorOptions) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
    const lines = sorted
      .slice(0, MOST_SHOWN)
      .map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`)
    if (sorted.length > MOST_SHOWN) lines.push(`${path}: and ${sorted.length - MOST_SHOWN} more`)
    super(lines.join('\n'), options)
    this.name = 'SuiteFileError'
    this.path = path
    this.problems = sorted
  }
}
