import { ObjectId } from 'mongodb'
import type { Database, Where } from './database.ts'
import { endLease, takeLease } from './leases.ts'

/** A turn is over by itself so long after it was taken: its holder is gone. */
const LEASE_MS = 10_000
/** A run is not started any later than so long before, so that clocks of several servers may differ by as much. */
const MARGIN_MS = 5000
/** Each is a round trip in which another one had the turn. */
const TRIES = 100

/**
 * Acts in the user's turn: who counts the user's running runs and starts one more does so alone, over all workspaces. No index
 * could hold that limit: on a sharded cluster it would have to begin with the workspace. `inTurn` is the condition under which
 * a run may be started: whoever was frozen past its turn starts none. Undefined when others had the turn all the time.
 */
export async function inTurnOf<T>(
  db: Database,
  user: string,
  act: (inTurn: Where) => Promise<T>,
): Promise<T | undefined> {
  const [name, owner] = [`running/${user}`, new ObjectId().toHexString()]
  for (let tries = 0; tries < TRIES; tries++) {
    const endsAt = await takeLease(db, name, owner, LEASE_MS)
    if (endsAt === undefined) continue
    try {
      return await act({ $expr: { $lt: [db.now(), endsAt - MARGIN_MS] } })
    } finally {
      // It ends by itself when the store is away.
      await endLease(db, name, owner).catch(() => undefined)
    }
  }
  return undefined
}
