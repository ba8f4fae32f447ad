import type { Database } from './database.ts'
import { type RunTarget, targetOf } from './run-record.ts'

/** With more room than this left in a queue, it is not worth a place that only one can have: so many do not come at once. */
const NEAR_THE_LIMIT = 100
/** A count is good for so long, and for this share of the room that it found: other processes queue runs, too. Real time. */
const COUNTED_MS = 1000
const SHARE = 1 / 16
/** How many workspaces' counts a process remembers. */
const REMEMBERED = 10_000

interface Counted {
  left: number
  until: number
}
const counted = new WeakMap<Database, Map<string, Counted>>()

/**
 * How much room the queue of the run's workspace has: `full`, `near` the limit, or `ample`. A queue that was far from its limit a
 * moment ago is not counted again for every run.
 */
export async function roomFor(
  db: Database,
  run: { id: string; workspace: string },
  maxQueued: number,
): Promise<'full' | 'near' | 'ample'> {
  const { bucket, workspace }: RunTarget = targetOf(run)
  const known = counted.get(db) ?? new Map<string, Counted>()
  counted.set(db, known)
  const before = known.get(workspace)
  const now = performance.now()
  if (before && before.left > 0 && now < before.until) {
    before.left--
    return 'ample'
  }
  // Those that come while it is counted go by the count before.
  if (before) before.until = now + COUNTED_MS
  const where = { bucket, workspace, state: 'queued' }
  const queued = await db.collection('runs').countDocuments(where, { limit: Math.max(1, maxQueued) })
  known.delete(workspace)
  if (queued >= maxQueued) return 'full'
  const spare = maxQueued - queued - NEAR_THE_LIMIT
  if (spare <= 0) return 'near'
  known.set(workspace, { left: Math.floor(spare * SHARE), until: now + COUNTED_MS })
  if (known.size > REMEMBERED) known.delete(known.keys().next().value!)
  return 'ample'
}
