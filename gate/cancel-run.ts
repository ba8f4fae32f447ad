import type { Client, Clock } from '../client/index.ts'
import { isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'

/** A running run is stopped within 2 s (wire 3); CI systems kill a job 7.5 s after its first signal. */
export const CANCEL_LIMIT_MS = 5_000

/**
 * Cancels the run and resolves with it as last seen, final unless time ran out (`limitMs`, or `signal` before that);
 * undefined when the server could not be asked. Never rejects: whoever cancels is on the way out.
 */
export async function cancelRun(
  { client, clock }: { client: Client; clock: Clock },
  id: string,
  options: { limitMs?: number; signal?: AbortSignal } = {},
): Promise<Run | undefined> {
  const limitMs = options.limitMs ?? CANCEL_LIMIT_MS
  const limit = new AbortController()
  const cancelLimit = clock.after(limitMs, () => limit.abort())
  const signal = options.signal === undefined ? limit.signal : AbortSignal.any([options.signal, limit.signal])
  let seen: Run | undefined
  try {
    seen = await client.runs.cancel(id, { signal, patienceMs: limitMs })
    const onChange = (run: Run) => {
      seen = run
    }
    return isFinal(seen.state) ? seen : await client.runs.wait(id, { known: seen, signal, onChange })
  } catch {
    return seen
  } finally {
    cancelLimit()
  }
}
