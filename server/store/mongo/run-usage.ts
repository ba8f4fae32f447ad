import { dayOf } from '../ports/run-rules.ts'
import type { NewRun, RunRecord } from '../ports/runs.ts'
import { type Database, joined } from './database.ts'
import { isDuplicate } from './errors.ts'
import { addUsage, type UsageLine } from './usage.ts'

function lineOf({ triggeredBy, createdAt }: RunRecord): UsageLine | undefined {
  const { userId, id } = triggeredBy
  return userId === null ? undefined : { day: dayOf(createdAt), user: userId, key: id ?? '' }
}

/** Statistics come after the run's own write, and never fail it: an outage between the two loses one count. */
async function count(db: Database, run: RunRecord, amounts: { runs?: number; runMs?: number }): Promise<void> {
  const line = lineOf(run)
  if (line) await addUsage(db, line, amounts).catch(() => undefined)
}

export const countRun = (db: Database, run: RunRecord) => count(db, run, { runs: 1 })

export async function countRunTime(db: Database, run: RunRecord): Promise<void> {
  if (run.startedAt === null || run.finishedAt === null) return
  await count(db, run, { runMs: Math.max(0, run.finishedAt - run.startedAt) })
}

/**
 * Takes one of the runs that the user may start today (UTC), so that no race goes past the limit. Answers how to give it
 * back, or undefined when there is none left.
 */
export async function takeQuota(
  db: Database,
  run: NewRun,
  maxPerDay: number | null,
): Promise<(() => Promise<void>) | undefined> {
  const user = run.triggeredBy.userId
  if (maxPerDay === null || user === null) return async () => undefined
  const quotas = db.collection('run_quotas')
  const now = await db.time()
  const _id = joined(user, dayOf(now))
  if (!(await quotas.findOne({ _id }, { projection: { _id: 1 } }))) {
    // The user has a limit since a moment ago: what was started today counts.
    const lines = await db
      .collection('usage')
      .find({ user, day: dayOf(now) })
      .toArray()
    const started = lines.reduce((sum, { runs }) => sum + runs, 0)
    await quotas.insertOne({ _id, started, gone: new Date(now + 2 * 24 * 3600_000) }).catch((error) => {
      if (!isDuplicate(error)) throw error
    })
  }
  const { matchedCount } = await quotas.updateOne({ _id, started: { $lt: maxPerDay } }, { $inc: { started: 1 } })
  if (matchedCount === 0) return undefined
  return async () => {
    await quotas.updateOne({ _id }, { $inc: { started: -1 } })
  }
}
