import type { Clock } from './clock.ts'

/** An answer that was longer under way says too little of when it was given. */
const QUICK_MS = 1000

/**
 * The store's time on a node, whatever the node's own clock says: all nodes on one store agree on when tokens, keys and
 * secrets end. `ask` tells the store's time and sets the clock by it; in between the clock goes on by itself, and before the
 * first answer it is the node's own.
 */
export function storeClock(own: Clock, askStore: () => Promise<number>): { clock: Clock; ask(): Promise<number> } {
  /** From this process's monotonic time to the store's. */
  let offset: number | undefined
  return {
    clock: {
      now: () => (offset === undefined ? own.now() : Math.floor(own.monotonic() + offset)),
      monotonic: () => own.monotonic(),
      after: (ms, callback) => own.after(ms, callback),
    },
    async ask() {
      const asked = own.monotonic()
      const time = await askStore()
      const heard = own.monotonic()
      // Read somewhere between: wrong by half of the way at most.
      if (offset === undefined || heard - asked <= QUICK_MS) offset = time - (asked + heard) / 2
      return time
    },
  }
}
