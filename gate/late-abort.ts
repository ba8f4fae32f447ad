import type { Clock } from '../client/index.ts'

/** A signal that follows another after `ms`, for what must still be done once all else has stopped. `stop` lets go of both. */
export function lateAbort(clock: Clock, signal: AbortSignal, ms: number): { signal: AbortSignal; stop: () => void } {
  const late = new AbortController()
  let cancel = () => {}
  const follow = () => {
    cancel = clock.after(ms, () => late.abort(signal.reason))
  }
  if (signal.aborted) follow()
  else signal.addEventListener('abort', follow, { once: true })
  return {
    signal: late.signal,
    stop() {
      signal.removeEventListener('abort', follow)
      cancel()
    },
  }
}
