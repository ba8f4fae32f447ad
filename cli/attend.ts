import type { Client } from '../client/index.ts'
import { gravest } from '../gate/exit-code.ts'
import type { GateContext, GateResult, SuiteOutcome } from '../gate/gate.ts'
import { logTail } from '../gate/log-tail.ts'
import { isUnexplained, reportOf } from '../gate/outcome.ts'
import { waitLimitMs } from '../gate/request.ts'
import { STATE_WORDS } from '../report/run-report.ts'
import { counted } from '../report/text.ts'
import type { Call, OptionSpec } from './command.ts'
import { errorObject, exitCodeOf, explain } from './errors.ts'
import { duration } from './flags.ts'
import { listenForSignals } from './interruption.ts'
import { createRenderer, type Renderer } from './render.ts'
import { REPORT_FILE_OPTIONS, type ReportFileOptions, writeReportFiles } from './report-files.ts'
import { withSession } from './session.ts'

/** What every command takes that waits for verdicts. */
export interface AttendOptions extends ReportFileOptions {
  /** Seconds. */
  readonly waitTimeout?: number
}

export const ATTEND_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--wait-timeout <duration>',
    description: 'wait so long at most, then cancel the runs (exit code 5)',
    parse: duration,
  },
  ...REPORT_FILE_OPTIONS,
]

/** What stands beside the error of --json where there is no run. */
export const NO_RUNS = { state: null, runs: [] }

/** The longest that any run may take (contract/runs.ts): a run does not tell its own limit. */
const LONGEST_RUN_SECONDS = 86_400

/** How long runs are waited for that were not planned here, milliseconds. */
export function waitLimitFor({ waitTimeout }: AttendOptions): number {
  return waitLimitMs({ runLimitSeconds: LONGEST_RUN_SECONDS, waitTimeoutSeconds: waitTimeout })
}

/** The end of a log that is shown where no test says what went wrong, lines. */
const LOG_TAIL = 40
const _LOG_PATIENCE_MS = 10_000

/**
 * Does `work` at the gate: shows people what happens, cancels remote runs on SIGINT and SIGTERM, writes the files that were
 * asked for, and resolves with the exit code of the verdict.
 */
export async function attend(
  call: Call<AttendOptions>,
  work: (context: GateContext) => Promise<GateResult>,
): Promise<number> {
  const { host, output } = call
  const renderer = createRenderer(output, host.clock)
  const interruption = listenForSignals(host, (signal) =>
    renderer.warn(`${signal}: cancelling the runs (once more to leave at once)`),
  )
  const { signal } = interruption
  try {
    return await withSession(
      call,
      async ({ client }) => {
        const { clock, random } = host
        const result = await work({ client, clock, random, listener: renderer.listener, signal })
        renderer.stop()
        return await conclude(call, result, client, signal, renderer)
      },
      renderer.warn,
    )
  } finally {
    renderer.stop()
    interruption.stop()
  }
}

async function conclude(
  call: Call<AttendOptions>,
  { outcomes, exitCode, state, interrupted }: GateResult,
  client: Client,
  signal: AbortSignal,
  { say }: Renderer,
): Promise<number> {
  const { host, output } = call
  if (!interrupted)
    for (const outcome of outcomes.filter(isUnexplained)) await showLogTail(client, outcome, signal, say)
  let failed = outcomes.find((outcome) => outcome.error !== undefined && outcome.exitCode === exitCode)?.error
  let code = interrupted ? exitCodeOf(signal.reason) : exitCode
  try {
    await writeReportFiles(call, outcomes, client, signal, say)
  } catch (error) {
    failed = error as Error
    host.stderr.write(`verdict: ${explain(error)}\n`)
    if (!interrupted) code = gravest([exitCode, 2])
  }
  if (outcomes.length > 1) say(overall(outcomes))
  const runs = outcomes.flatMap(({ run }) => (run ? [run] : []))
  output.result({ state, runs, ...(failed && { error: errorObject(failed) }) }, '')
  return code
}

/** `3 suites: 1 failed, 2 passed`. */
function overall(outcomes: readonly SuiteOutcome[]): string {
  const counts = new Map<string, number>()
  for (const { run } of outcomes.map(reportOf))
    counts.set(STATE_WORDS[run.state], (counts.get(STATE_WORDS[run.state]) ?? 0) + 1)
  return `${counted(outcomes.length, 'suite')}: ${[...counts].map(([word, count]) => `${count} ${word}`).join(', ')}`
}

/** For comfort: where the log cannot be had, the verdict stands all the same. */
async function showLogTail(
  client: Client,
  { run, suite }: SuiteOutcome,
  signal: AbortSignal,
  say: (line: string) => void,
) {
  if (!run) return
  const tail = await logTail(client, run.id, LOG_TAIL, { signal })
  const last = tail.findLast((line) => line.trim() !== '')
  // Some reasons bring the last lines themselves.
  if (last === undefined || run.reason?.message.includes(last.trim())) return
  say(`the end of the log of ${suite} (\`verdict logs ${run.id}\` has all of it):`)
  for (const line of tail) say(`  │ ${line}`)
}
