import type { RunRecord } from '../ports/runs.ts'
import type { Database, Doc } from './database.ts'

/** What came of a try to start a queued run: it was started, somebody else has it, or where there is no free slot. */
export type Attempt = { run: RunRecord } | 'gone' | { full: string }

/** Runs as they were when they were seen: a run that is queued again has another version. The latest are enough. */
const tried = new WeakMap<Database, Set<string>>()
const TRIED_MAX = 1000

/**
 * Tries to start the run, unless another claim of this process is at it or was faster: then the answer is `gone`, nothing is
 * asked, and nobody is in the other's way. Which process has a run, the store decides.
 */
export async function oncePerProcess(
  db: Database,
  { _id, version }: Doc,
  attempt: () => Promise<Attempt>,
): Promise<Attempt> {
  const others = tried.get(db) ?? new Set<string>()
  tried.set(db, others)
  const seen = `${_id}/${version}`
  if (others.has(seen)) return 'gone'
  others.add(seen)
  if (others.size > TRIED_MAX) others.delete(others.values().next().value!)
  let over = false
  try {
    const result = await attempt()
    over = result === 'gone' || 'run' in result
    return result
  } finally {
    // It still waits: for a slot, or for a store that answers.
    if (!over) others.delete(seen)
  }
}
