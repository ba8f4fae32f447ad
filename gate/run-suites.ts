import type { BuildFacts } from './ci-facts.ts'
import { EXIT_CODES, exitCodeOfError, gravest, stateOf } from './exit-code.ts'
import type { GateContext, GateResult, SuiteOutcome } from './gate.ts'
import { withHeartbeat } from './heartbeat.ts'
import { lateAbort } from './late-abort.ts'
import { firstLine } from './planned-suite.ts'
import { type RunRequest, type RunSettings, runRequests } from './request.ts'
import { Starter } from './start-run.ts'
import { planSuites, type SuiteChoice } from './suites.ts'
import { type WatchedRun, watchRun } from './watch-run.ts'

export interface GateOptions extends SuiteChoice, RunSettings {
  /** Facts of the build whose suites lie in that folder. */
  readonly facts: (root: string) => Promise<BuildFacts>
}

/** After a signal, how long the answer to a trigger that is on its way is awaited, so that its run can be cancelled. */
const TRIGGER_GRACE_MS = 2_000

/**
 * The gate: chooses, packs, uploads, starts, waits, and gives one verdict over all. Rejects, before anything is started,
 * for wrong use and for what calls reject with; from then on resolves, whatever happens. Without `wait`, the outcomes are
 * accepted runs.
 */
export async function runSuites(options: GateOptions, context: GateContext): Promise<GateResult> {
  const { client, signal, random, listener: told } = context
  const plan = await planSuites(options, client, signal)
  const facts = await options.facts(plan.root)
  const requests = runRequests(plan.suites, options, facts, random)
  for (const line of plan.leftOut) told.notice?.(line)
  for (const { planned } of requests) told.planned?.(planned.name, firstLine(planned, facts.source))

  const { listener, stop } = withHeartbeat(context.clock, told)
  const refusal = new AbortController()
  const joint = { ...context, listener, signal: AbortSignal.any([signal, refusal.signal]) }
  const starter = new Starter(client)
  try {
    const outcomes = await Promise.all(
      requests.map(async (request) => {
        const outcome = await runOne(request, options.wait, joint, starter)
        // What was asked for was wrong: no verdict over the rest would be one over all.
        if (outcome.run === undefined && isWrong(outcome) && !refusal.signal.aborted) refusal.abort(outcome.error)
        listener.finished?.(outcome)
        return outcome
      }),
    )
    return resultOf(outcomes, signal.aborted)
  } finally {
    stop()
  }
}

/** Waits for runs that are there already, as {@link runSuites} does for those that it starts. */
export async function watchRuns(runs: readonly WatchedRun[], context: GateContext): Promise<GateResult> {
  const { listener, stop } = withHeartbeat(context.clock, context.listener)
  try {
    const outcomes = await Promise.all(
      runs.map(async (watched) => {
        listener.started?.(watched.run, { replayed: watched.replayed })
        const outcome = await watchRun({ ...context, listener }, watched)
        listener.finished?.(outcome)
        return outcome
      }),
    )
    return resultOf(outcomes, context.signal.aborted)
  } finally {
    stop()
  }
}

async function runOne(
  request: RunRequest,
  wait: boolean,
  context: GateContext,
  starter: Starter,
): Promise<SuiteOutcome> {
  const { listener, signal } = context
  const suite = request.planned.name
  const late = lateAbort(context.clock, signal, TRIGGER_GRACE_MS)
  try {
    const patienceMs = wait ? request.limitMs : undefined
    const { run, replayed } = await starter.start(request, {
      upload: { signal, patienceMs },
      trigger: { signal: late.signal, patienceMs },
    })
    listener.started?.(run, { replayed })
    if (wait || signal.aborted) return await watchRun(context, { run, replayed, limitMs: request.limitMs })
    return { suite, run, replayed, cases: [], exitCode: EXIT_CODES.passed }
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error))
    const exitCode = signal.aborted ? EXIT_CODES.cancelled : exitCodeOfError(error)
    return { suite, replayed: false, cases: [], error: reason, exitCode }
  } finally {
    late.stop()
  }
}

function isWrong({ exitCode }: SuiteOutcome): boolean {
  return exitCode === EXIT_CODES.wrong_use || exitCode === EXIT_CODES.not_authorised
}

function resultOf(outcomes: readonly SuiteOutcome[], interrupted: boolean): GateResult {
  const exitCode = gravest(outcomes.map((outcome) => outcome.exitCode))
  return { exitCode, state: stateOf(outcomes), outcomes, interrupted }
}
