import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ReportedCase } from '../contract/cases.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { type ReportFile, readJUnit } from '../report/junit-read.ts'
import { REPORT_MAX_BYTES, ReportError } from '../report/report-error.ts'
import { failureLines, verdictLine } from '../report/terminal.ts'
import { countResults, decide, failingNames, type ReportOutcome } from '../report/verdict.ts'
import type { CommandSpec } from './command.ts'

export const report: CommandSpec = {
  name: 'report',
  arguments: '<file...>',
  summary: 'say what Verdict makes of JUnit files on disk: counts, failures and the verdict',
  details: 'No server and no key is needed. Several files are one report, as for a suite that writes several.',
  examples: ['verdict report report.xml', 'verdict report target/surefire-reports/*.xml --json'],
  async act({ args, directory, output }) {
    const { cases, outcome } = parse(await Promise.all(args.map((path) => read(directory, path))))
    const results = outcome.kind === 'read' ? outcome.results : null
    // The files alone decide: the command that wrote them is taken to have ended well.
    const { state, reason } = decide({ command: { exitCode: 0, signal: null }, report: outcome })
    const suite = args.length === 1 ? (args[0] ?? '') : `${args.length} files`
    const run = { id: '', suite, state, results, reason, durationMs: null, url: '', webUrl: null }
    const failures = failureLines({ run, cases }, { palette: output.colors, maxFailures: cases.length })
    output.result({ state, reason, results, cases }, [...failures, verdictLine(run, output.colors)].join('\n'))
    return state === 'passed' ? 0 : 1
  },
}

async function read(directory: string, path: string): Promise<ReportFile & { readonly size: number }> {
  const file = resolve(directory, path)
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw new WrongUseError(
      cause.code === 'ENOENT' ? `${path}: there is no such file` : `${path} cannot be read: ${cause.message}`,
    )
  })
  if (!found.isFile())
    throw new WrongUseError(`${path} is no file: name the report files, for example ${path.replace(/\/+$/, '')}/*.xml`)
  // What is too large for a report is not read at all.
  const bytes =
    found.size > REPORT_MAX_BYTES
      ? new Uint8Array()
      : await readFile(file).catch((cause: Error) => {
          throw new WrongUseError(`${path} cannot be read: ${cause.message}`, { cause })
        })
  return { path, bytes, size: found.size }
}

function parse(files: readonly (ReportFile & { readonly size: number })[]): {
  cases: ReportedCase[]
  outcome: ReportOutcome
} {
  try {
    const large = files.find(({ size }) => size > REPORT_MAX_BYTES)
    if (large)
      throw new ReportError(
        'report_too_large',
        `${large.path} has ${large.size} bytes; at most ${REPORT_MAX_BYTES} are read`,
      )
    const { cases } = readJUnit(files)
    return { cases, outcome: { kind: 'read', results: countResults(cases), failing: failingNames(cases) } }
  } catch (error) {
    if (!(error instanceof ReportError)) throw error
    return { cases: [], outcome: { kind: 'problem', code: error.code, message: error.message } }
  }
}
