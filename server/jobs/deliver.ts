import type { Clock } from '../clock.ts'
import type { Wake } from '../wake/wake.ts'

export interface DeliverSteps {
  /** Makes what happened into deliveries; answers how much it went through. */
  readonly fanOut: () => Promise<number>
  /** Starts on what is due. */
  readonly start: () => Promise<void>
  readonly nextDue: () => Promise<number | undefined>
  readonly announceExpiring: () => Promise<unknown>
  readonly stop: () => Promise<void>
}

/** What nobody wakes it for is seen by then: a wake may be lost. */
const LOOK_AGAIN_MS = 1000
/**
 * What runs tell that come and go one after the other is looked for with pauses, so many times as long as a look that finds
 * nothing: that is next to no time in the process itself, and some reads of a store elsewhere.
 */
const PAUSE_RATIO = 4
const PAUSE_MAX_MS = 50
const EXPIRING_EVERY_MS = 10 * 60_000

/**
 * Delivers events as they come and attempts as they are due. `kick` is for whoever knows that there is something to do; the
 * answer's `stop` waits for what is under way.
 */
export function deliver(
  steps: DeliverSteps,
  { clock, wake, onError }: { clock: Clock; wake: Wake; onError: (error: unknown) => void },
): { kick(): void; stop(): Promise<void> } {
  let stopped = false
  let again = false
  let running: Promise<void> | undefined
  let cancel = () => {}
  let cancelLook: (() => void) | undefined
  let lookAt = Number.NEGATIVE_INFINITY
  let lookAgain = false
  let expiringAt = Number.NEGATIVE_INFINITY

  async function pass(): Promise<void> {
    if (clock.monotonic() >= expiringAt) {
      await steps.announceExpiring()
      expiringAt = clock.monotonic() + EXPIRING_EVERY_MS
    }
    do {
      again = false
      let begun = clock.monotonic()
      // What there is goes out while the rest is made: thousands of events keep none waiting for the last.
      while (!stopped && (await steps.fanOut()) > 0) {
        await steps.start()
        begun = clock.monotonic()
      }
      const ended = clock.monotonic()
      lookAt = ended + Math.min(PAUSE_MAX_MS, PAUSE_RATIO * (ended - begun))
      await steps.start()
    } while (again && !stopped)
  }

  function kick(): void {
    again = true
    if (stopped || running) return
    cancel()
    running = pass()
      .catch(onError)
      .then(async () => {
        running = undefined
        await plan()
      })
      .catch(onError)
  }

  /** Something happened: at once when nothing did for a while. What comes during a look may be missed by it. */
  function look(): void {
    if (running) {
      lookAgain = true
      return
    }
    const ms = lookAt - clock.monotonic()
    if (ms <= 0) kick()
    else {
      cancelLook ??= clock.after(ms, () => {
        cancelLook = undefined
        kick()
      })
    }
  }

  async function plan(): Promise<void> {
    const due = await steps.nextDue().catch(() => undefined)
    if (stopped || running) return
    if (again) return kick()
    if (lookAgain) {
      lookAgain = false
      look()
    }
    if (running) return
    const ahead = due === undefined ? 0 : due - clock.now()
    // What is due already is being served or waits for room: whoever is done kicks.
    const ms = ahead > 0 ? Math.min(LOOK_AGAIN_MS, Math.max(10, ahead)) : LOOK_AGAIN_MS
    cancel()
    cancel = clock.after(ms, kick)
  }

  const unsubscribe = wake.subscribe('queue', look)
  kick()
  return {
    kick,
    async stop() {
      stopped = true
      cancel()
      cancelLook?.()
      unsubscribe()
      await running
      await steps.stop()
    },
  }
}
