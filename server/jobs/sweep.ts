import type { Clock } from '../clock.ts'
import type { QueueKeeper } from '../domain/queue-keeper.ts'
import { repeat } from './loop.ts'
import type { Turn } from './turn.ts'

const EVERY_MS = 1000
/** A tick this late means that the process was frozen: others' leases may have run out only because of that. */
const LATE_MS = 5000

/**
 * Keeps the queue while it is this process's turn: takes back lost runs, cancels abandoned ones, ends those that waited too
 * long, says why others wait. All processes notice outages, so whoever has the next turn knows of them.
 */
export function sweep(
  keeper: QueueKeeper,
  turn: Turn,
  clock: Clock,
  onError: (error: unknown) => void,
): () => Promise<void> {
  keeper.grantNewTime()
  /** Leases end by the wall clock: one that was set anew says nothing of the workers. */
  const offset = () => clock.now() - clock.monotonic()
  let lastOffset = offset()
  let had = false
  return repeat(
    clock,
    EVERY_MS,
    async (lateMs) => {
      if (lateMs > LATE_MS || Math.abs(offset() - lastOffset) > LATE_MS) keeper.grantNewTime()
      lastOffset = offset()
      const mine = await turn.mine()
      if (mine && !had) keeper.takeUp()
      had = mine
      if (mine) await keeper.keep()
    },
    (error) => {
      // The store was away: workers could not prolong their leases, so all get a new one.
      keeper.grantNewTime()
      onError(error)
    },
  )
}
