import type { Clock } from '../clock.ts'

/** Runs a task again and again, `everyMs` after it ended. The answer stops it and waits for what is under way. */
export function repeat(
  clock: Clock,
  everyMs: number,
  task: (lateMs: number) => Promise<void>,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let stopped = false
  let cancel = () => {}
  let underWay = Promise.resolve()
  const plan = () => {
    if (stopped) return
    const due = clock.monotonic() + everyMs
    cancel = clock.after(everyMs, () => {
      underWay = task(clock.monotonic() - due)
        .catch(onError)
        .then(plan)
    })
  }
  plan()
  return async () => {
    stopped = true
    cancel()
    await underWay
  }
}
