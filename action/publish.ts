import { relative, resolve } from 'node:path'
import type { Client } from '../client/index.ts'
import { downloadArtifacts } from '../gate/artifacts.ts'
import type { GateResult } from '../gate/gate.ts'
import { junitText } from '../gate/junit.ts'
import { logTail } from '../gate/log-tail.ts'
import { isUnexplained, reportOf } from '../gate/outcome.ts'
import { writeReport } from '../gate/write-file.ts'
import { annotations } from '../report/annotations.ts'
import { summary } from '../report/summary.ts'
import { counted } from '../report/text.ts'
import { plainPath } from '../tree/path.ts'
import type { Inputs } from './inputs.ts'
import type { Toolkit } from './toolkit.ts'

const LOG_TAIL = 40

export interface Publishing {
  readonly toolkit: Toolkit
  readonly client: Client
  readonly inputs: Inputs
  /** The job's workspace and the folder to which the inputs' paths are relative. */
  readonly workspace: string
  readonly directory: string
  /** The folder of the suites: annotations of tests lie in it. */
  readonly root: string
  readonly signal: AbortSignal
  /** Appends to the job summary. */
  readonly writeSummary: (text: string) => Promise<void>
}

export interface Published {
  /** Absolute; empty when none was asked for. */
  readonly junitFile: string
  /** Whether the job's page says already what went wrong. */
  readonly annotated: boolean
}

/**
 * Puts the results where people and later steps look: log, annotations, summary, JUnit file, artifacts. Throws the error of
 * the file system when the JUnit file cannot be written: what a build relies on must not be missing in silence.
 */
export async function publish({ outcomes }: GateResult, publishing: Publishing): Promise<Published> {
  const { toolkit, client, inputs, workspace, directory, root, signal, writeSummary } = publishing
  for (const { run } of outcomes.filter(isUnexplained)) {
    const lines = await logTail(client, run!.id, LOG_TAIL, { signal })
    if (lines.length === 0) continue
    toolkit.info(`the end of the log of ${run!.suite} (all of it: ${run!.webUrl ?? `${run!.url}/log`}):`)
    for (const line of lines) toolkit.info(`  │ ${line}`)
  }
  const reports = outcomes.map(reportOf)
  const remarks = inputs.annotations ? annotations(reports, { folder: plainPath(relative(workspace, root)) }) : []
  for (const { kind, title, message, file, line } of remarks) toolkit[kind](message, { title, file, startLine: line })
  if (inputs.summary) {
    await writeSummary(summary(reports)).catch((error: Error) => {
      toolkit.info(`The job summary could not be written: ${error.message}`)
    })
  }
  const junitFile = inputs.junitFile === undefined ? '' : resolve(directory, inputs.junitFile)
  if (junitFile !== '') {
    await writeReport(junitFile, await junitText(outcomes, client, { signal }))
    toolkit.info(`JUnit: ${junitFile}`)
  }
  if (inputs.artifactsDir !== undefined) {
    const folder = resolve(directory, inputs.artifactsDir)
    const runs = outcomes.flatMap(({ run }) => (run === undefined ? [] : [run]))
    const { files, problems } = await downloadArtifacts(runs, client, folder, { signal })
    for (const problem of problems) toolkit.info(problem)
    toolkit.info(`${counted(files.length, 'artifact')} in ${folder}`)
  }
  return { junitFile, annotated: remarks.some(({ kind }) => kind === 'error') }
}
