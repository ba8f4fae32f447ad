import { isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'
import type { Caller, CallOptions } from './call.ts'
import { pause } from './clock.ts'
import { path } from './request.ts'

export interface WaitOptions {
  readonly signal?: AbortSignal
  /** Told of every version that is seen, the first and the final one included. */
  readonly onChange?: (run: Run) => void
  /** The run as far as it is known: then the first request waits already. */
  readonly known?: Run
  /** How long to wait, and to ride out outages meanwhile, milliseconds; default for ever and 1 h. */
  readonly limitMs?: number
}

/** The client's own limit is over and the run is not. */
export class WaitLimitError extends Error {
  override readonly name = 'WaitLimitError'
}

/** Below the 60 s at which proxies hang up, and short enough that a vanished server is noticed. */
const WAIT_SECONDS = 25
const OUTAGE_MS = 3_600_000
/** An answer without news that comes sooner than this was no wait: something in between does not hold requests. */
const HELD_MS = 1_000

/**
 * Waits until the run is final (`Prefer: wait`, RFC 7240) and resolves with it. Survives restarts of the server, lost
 * connections and the end of the token. Rejects with WaitLimitError, the signal's reason within 100 ms, or as calls do.
 */
export async function waitForRun(caller: Caller, id: string, options: WaitOptions = {}): Promise<Run> {
  const { limitMs } = options
  const limit = new AbortController()
  let outage: Error | undefined
  const end = () => limit.abort(outage ?? new WaitLimitError(`No verdict within ${limitMs! / 1000} s`))
  const cancelEnd = limitMs === undefined ? undefined : caller.clock.after(limitMs, end)
  const signal = options.signal === undefined ? limit.signal : AbortSignal.any([options.signal, limit.signal])
  try {
    return await untilFinal(caller, id, options, {
      signal,
      patienceMs: limitMs ?? OUTAGE_MS,
      // Where the limit ends an outage, the outage is what is told.
      onFailure(error) {
        outage = error
      },
      onAnswer() {
        outage = undefined
      },
    })
  } finally {
    cancelEnd?.()
  }
}

async function untilFinal(
  caller: Caller,
  id: string,
  { known, onChange }: WaitOptions,
  { onAnswer, ...callOptions }: CallOptions & { onAnswer: () => void },
): Promise<Run> {
  let run = known
  let etag = known === undefined ? undefined : `"${known.version}"`
  if (run !== undefined) onChange?.(run)
  for (let early = 0; run === undefined || !isFinal(run.state); ) {
    const askedAt = caller.clock.monotonic()
    // Without a version to compare with, the server would hold the answer until the end: the first is asked for at once.
    const wait = etag === undefined ? {} : { waitSeconds: WAIT_SECONDS, headers: { 'if-none-match': etag } }
    const answer = await caller.call({ method: 'GET', path: path`/v1/runs/${id}`, ...wait }, callOptions)
    onAnswer()
    if (answer.status !== 304) {
      const seen = caller.parse<Run>(answer)
      etag = answer.headers.etag ?? `"${seen.version}"`
      const news = run === undefined || seen.version !== run.version
      run = seen
      if (news) {
        early = 0
        onChange?.(seen)
        continue
      }
    }
    if (caller.clock.monotonic() - askedAt >= HELD_MS) early = 0
    else await pause(caller.clock, Math.min(250 * 2 ** early++, 5_000), callOptions.signal)
  }
  return run
}
