import { resolve } from 'node:path'
import { buildFacts } from '../gate/ci-facts.ts'
import { EXIT_CODES, type ExitCode } from '../gate/exit-code.ts'
import type { GateResult } from '../gate/gate.ts'
import { runSuites } from '../gate/run-suites.ts'
import { missingKey, readEvent } from './event.ts'
import { type Inputs, parseInputs, readServer } from './inputs.ts'
import { clientOf, inputOf, type Job, messageOf } from './job.ts'
import { jobListener } from './listener.ts'
import { NO_OUTPUTS, type Outputs, outputsOf } from './outputs.ts'
import { publish } from './publish.ts'

/** What `fail-on-failure: false` lets through: verdicts of tests, never the want of one. */
const TEST_VERDICTS: ReadonlySet<ExitCode> = new Set([EXIT_CODES.failed, EXIT_CODES.timed_out])

/** The step itself: inputs, gate, results. Never rejects; a failed step is told by the exit code, and why in the log. */
export async function runStep(job: Job): Promise<void> {
  const { toolkit } = job
  const read = inputOf(job)
  // Before anything else, so that no message can show it.
  const { apiKey } = readServer(read, job.env)
  if (apiKey !== '') toolkit.setSecret(apiKey)
  try {
    const inputs = parseInputs(read, job.env, missingKey(await readEvent(job.env)))
    for (const value of Object.values(inputs.secrets)) toolkit.setSecret(value)
    await runWith(inputs, job)
  } catch (error) {
    give(job, NO_OUTPUTS)
    toolkit.setFailed(messageOf(error))
    job.setExitCode(1)
  }
}

async function runWith(inputs: Inputs, job: Job): Promise<void> {
  const { toolkit, workspace, clock, random, signal, writeSummary } = job
  const directory = resolve(workspace, inputs.workingDirectory)
  const client = clientOf(job, inputs)
  const listener = jobListener(toolkit, clock, inputs.wait)
  let root = directory
  const facts = (folder: string) => {
    root = folder
    return buildFacts(job.env, folder, job.git)
  }
  const options = { ...inputs, names: inputs.suites, directory, facts }
  const result = await runSuites(options, { client, clock, random, listener, signal })
  give(job, outputsOf(result))
  if (result.interrupted) {
    toolkit.info('The job was cancelled, and the remote runs with it.')
    return job.setExitCode(1)
  }
  const conclusion = conclude(result, inputs)
  if (!inputs.wait) {
    if (conclusion.failed) fail(job, conclusion.message, false)
    return
  }
  try {
    const publishing = { toolkit, client, inputs, workspace, directory, root, signal, writeSummary }
    const { junitFile, annotated } = await publish(result, publishing)
    give(job, outputsOf(result, junitFile))
    if (conclusion.failed) fail(job, conclusion.message, annotated)
    else toolkit.info(conclusion.message)
  } catch (error) {
    // Results that were asked for and are not there fail the step, whatever the verdict.
    fail(job, `The results could not be written: ${messageOf(error)}`, false)
  }
}

function conclude({ exitCode, outcomes }: GateResult, { failOnFailure }: Inputs): { failed: boolean; message: string } {
  if (exitCode === EXIT_CODES.passed) return { failed: false, message: 'Verdict: passed' }
  const gravest = outcomes.find((outcome) => outcome.exitCode === exitCode)
  const why = gravest?.error === undefined ? (gravest?.run?.reason?.message ?? '') : messageOf(gravest.error)
  const message = `Verdict: ${gravest?.suite ?? 'no suite'} did not pass${why === '' ? '' : `: ${why}`}`
  if (failOnFailure || !TEST_VERDICTS.has(exitCode)) return { failed: true, message }
  return { failed: false, message: `${message} (the step goes on: \`fail-on-failure: false\`)` }
}

/** An error of its own on the job's page only where none tells of it yet: GitHub shows ten. */
function fail({ toolkit, setExitCode }: Job, message: string, annotated: boolean): void {
  if (annotated) toolkit.info(message)
  else toolkit.setFailed(message)
  setExitCode(1)
}

function give({ toolkit }: Job, outputs: Outputs): void {
  for (const [name, value] of Object.entries(outputs)) toolkit.setOutput(name, value)
}
