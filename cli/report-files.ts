import { appendFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Client } from '../client/index.ts'
import { downloadArtifacts } from '../gate/artifacts.ts'
import type { SuiteOutcome } from '../gate/gate.ts'
import { junitText } from '../gate/junit.ts'
import { reportOf } from '../gate/outcome.ts'
import { writeReport } from '../gate/write-file.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { summary } from '../report/summary.ts'
import { counted } from '../report/text.ts'
import type { Call, OptionSpec } from './command.ts'

/** Where results go besides the log. */
export interface ReportFileOptions {
  readonly junitFile?: string
  readonly summaryFile?: string
  readonly artifactsDir?: string
}

export const REPORT_FILE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--junit-file <path>', description: 'write the results of all suites as JUnit XML' },
  { flags: '--summary-file <path>', description: 'write a Markdown summary, failures first' },
  { flags: '--artifacts-dir <folder>', description: 'download what the runs left behind to <folder>/<suite>/' },
]

/**
 * Writes the files that were asked for; `say` is told of each. Throws a WrongUseError when one cannot be written: what a
 * build relies on must not be missing in silence.
 */
export async function writeReportFiles(
  { options, directory, host }: Pick<Call<ReportFileOptions>, 'options' | 'directory' | 'host'>,
  outcomes: readonly SuiteOutcome[],
  client: Client,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const { junitFile, summaryFile, artifactsDir } = options
  const written = async (flag: string, path: string, write: (path: string) => Promise<void>) => {
    await write(resolve(directory, path)).catch((cause: Error) => {
      throw new WrongUseError(`${flag} ${path} cannot be written: ${cause.message}`, { cause })
    })
    say(`wrote ${path}`)
  }
  if (junitFile !== undefined) {
    const text = await junitText(outcomes, client, { signal })
    await written('--junit-file', junitFile, (path) => writeReport(path, text))
  }
  if (summaryFile !== undefined) {
    const text = summary(outcomes.map(reportOf))
    // GitHub's own file of a step: what the step has written there before stays.
    const write = summaryFile === host.env.GITHUB_STEP_SUMMARY ? appendFile : writeReport
    await written('--summary-file', summaryFile, (path) => write(path, text))
  }
  // A command that was interrupted has seconds: what needs many requests is left.
  if (artifactsDir !== undefined && !signal.aborted) {
    const runs = outcomes.flatMap(({ run }) => (run ? [run] : []))
    const { files, problems } = await downloadArtifacts(runs, client, resolve(directory, artifactsDir), { signal })
    for (const problem of problems) say(problem)
    say(`${counted(files.length, 'artifact')} in ${artifactsDir}`)
  }
}
