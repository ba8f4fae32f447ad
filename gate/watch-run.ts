import { pause, WaitLimitError } from '../client/index.ts'
import { isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'
import { CANCEL_LIMIT_MS, cancelRun } from './cancel-run.ts'
import { EXIT_CODES, exitCodeOfError, exitCodeOfRun } from './exit-code.ts'
import type { GateContext, SuiteOutcome } from './gate.ts'
import { lateAbort } from './late-abort.ts'
import { notableCases } from './results.ts'

export interface WatchedRun {
  readonly run: Run
  readonly replayed: boolean
  /** How long the client waits, milliseconds. Then the remote run is cancelled. */
  readonly limitMs: number
  /** Let the run go on when the signal comes: it was not started by this call. */
  readonly spare?: boolean
}

/** For what is nice to have once the verdict is here. */
const RESULTS_PATIENCE_MS = 30_000
const LAST_LINES_MS = 1_000

/**
 * Waits for one run and resolves with how it ended: never rejects. When the signal or the limit comes first, the remote run
 * is cancelled; when the key is refused in mid-wait, it cannot be, and goes on until it is abandoned.
 */
export async function watchRun(context: GateContext, watched: WatchedRun): Promise<SuiteOutcome> {
  const { client, clock, listener, signal } = context
  const { replayed, limitMs } = watched
  const suite = watched.run.suite
  let run = watched.run
  const onChange = (seen: Run) => {
    const news = seen.version !== run.version
    run = seen
    if (news) listener.changed?.(seen)
  }
  const follow = new AbortController()
  const last = lateAbort(clock, signal, CANCEL_LIMIT_MS)
  const following = listener.log === undefined ? undefined : followLog(context, run, follow.signal)
  try {
    await client.runs.wait(run.id, { known: run, limitMs, signal, onChange })
    // The last lines come with the final state, or just after it.
    await Promise.race([following, pause(clock, LAST_LINES_MS, follow.signal).catch(() => {})])
    const cases = await notableCases(client, run, { signal, patienceMs: RESULTS_PATIENCE_MS }).catch((error: Error) => {
      listener.notice?.(`The verdict of ${suite} is here, but its failed tests could not be read: ${error.message}`)
      return []
    })
    return { suite, run, replayed, cases, exitCode: exitCodeOfRun(run) }
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const timedOut = error instanceof WaitLimitError
    if (!signal.aborted && !timedOut) {
      return { suite, run, replayed, cases: [], error, exitCode: exitCodeOfError(error) }
    }
    if (timedOut || watched.spare !== true) {
      const seen = await cancelRun(context, run.id, { signal: last.signal })
      if (seen !== undefined) onChange(seen)
      if (!isFinal(run.state)) listener.notice?.(`${suite} could not be seen cancelled in time: look at ${run.id}`)
    }
    return { suite, run, replayed, cases: [], error, exitCode: timedOut ? EXIT_CODES.timed_out : EXIT_CODES.cancelled }
  } finally {
    last.stop()
    follow.abort()
  }
}

/** For comfort: whatever goes wrong here, the verdict does not depend on it. */
async function followLog({ client, listener }: GateContext, run: Run, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of client.runs.events(run.id, { signal })) {
      if (event.type === 'log') listener.log?.(run, event.text)
    }
  } catch (error) {
    if (!signal.aborted) listener.notice?.(`The log of ${run.suite} cannot be followed: ${(error as Error).message}`)
  }
}
