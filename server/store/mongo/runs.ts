import { IDEMPOTENT_MS, WATCHED_EVERY_MS } from '../ports/run-rules.ts'
import type { NewRun, Runs } from '../ports/runs.ts'
import type { Database, Doc } from './database.ts'
import { isDuplicate } from './errors.ts'
import { takePlace } from './places.ts'
import { roomFor } from './queue-room.ts'
import { removeRuns } from './removal.ts'
import { cancel } from './run-changes.ts'
import { type Idempotent, runInserts } from './run-insert.ts'
import { listRuns } from './run-list.ts'
import { getRun, locate, runRecord, targetOf, theRun } from './run-record.ts'
import { countRun, takeQuota } from './run-usage.ts'

/** Each means that another run took the idempotency key. */
const TRIES = 20

export function mongoRuns(db: Database): Runs {
  const runs = db.collection('runs')
  const insert = runInserts(db)

  /** The run that has the idempotency key; one older than a day gives it back. */
  async function holderOf(run: NewRun, key: string): Promise<Doc | undefined> {
    const { bucket, workspace } = targetOf(run)
    const holder = await runs.findOne({ bucket, workspace, idempotencyKey: key })
    if (!holder || (await db.time()) - holder.createdAt < IDEMPOTENT_MS) return holder ?? undefined
    await runs.updateOne(
      { ...theRun(db, holder), idempotencyKey: key },
      { $unset: { idempotencyKey: '', idempotencyMeaning: '' } },
    )
    return undefined
  }

  /** A place in the workspace's queue; a run that was claimed meanwhile needs none any more. */
  function takeQueuePlace(run: NewRun, places: number): Promise<boolean> {
    const { bucket, workspace, _id } = targetOf(run)
    const where = { bucket, workspace, state: 'queued' }
    return takePlace(db, 'runs', { _id, ...where }, { where, field: 'queueSlot', places })
  }

  /** A key that was given back once is taken after the run is there; undefined when another run has it by then. */
  async function insertThenTake(run: NewRun, idempotency: Idempotent | undefined): Promise<Doc | undefined> {
    const made = await insert(run, undefined)
    if (!idempotency) return made
    const { key, meaning } = idempotency
    const taken = { $set: { idempotencyKey: key, idempotencyMeaning: meaning } }
    try {
      return (await runs.findOneAndUpdate(theRun(db, made), taken, { returnDocument: 'after' })) ?? made
    } catch (error) {
      await runs.deleteOne(theRun(db, made))
      if (isDuplicate(error)) return undefined
      throw error
    }
  }

  const create: Runs['create'] = async (run, { maxQueued, maxPerDay = null, idempotency }) => {
    async function replay() {
      const holder = idempotency && (await holderOf(run, idempotency.key))
      if (!holder) return undefined
      if (holder.idempotencyMeaning !== idempotency!.meaning) return 'idempotency_key_reused' as const
      return { run: runRecord(holder), replayed: true }
    }
    const room = await roomFor(db, run, maxQueued)
    if (room === 'full') return (await replay()) ?? 'queue_full'
    const earlier = maxPerDay === null ? undefined : await replay()
    if (earlier) return earlier
    const giveBack = await takeQuota(db, run, maxPerDay)
    if (!giveBack) return 'user_quota'
    let made: Doc | undefined
    try {
      for (let tries = 0; !made && tries < TRIES; tries++) {
        made = await insert(run, idempotency).catch(async (error) => {
          if (!isDuplicate(error)) throw error
          return undefined
        })
        if (made) break
        const holder = await replay()
        if (holder) return holder
        made = await insertThenTake(run, idempotency)
      }
      if (made && room === 'near' && !(await takeQueuePlace(run, maxQueued))) {
        const { deletedCount } = await runs.deleteOne({ ...theRun(db, made), state: 'queued', attempt: 0 })
        if (deletedCount > 0) made = undefined
        if (!made) return 'queue_full'
      }
    } finally {
      if (!made) await giveBack()
    }
    if (!made) throw new Error(`run ${run.id} could not be queued: others take its idempotency key all the time`)
    const queuedRun = runRecord(made)
    countRun(db, queuedRun)
    return { run: queuedRun, replayed: false }
  }

  return {
    create,
    async get(id) {
      const run = await getRun(db, id)
      return run && runRecord(run)
    },
    list: (workspace, filter, page) => listRuns(db, workspace, filter, page),
    async cancel(id, reason, message) {
      for (;;) {
        const run = await getRun(db, id)
        if (!run) return undefined
        const changed = await cancel(db, run, reason, message)
        if (changed) return changed
      }
    },
    async unfinishedOf(user, limit, after = '') {
      const found = await runs
        .find({ user, open: true, _id: { $gt: after } })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray()
      return found.map(runRecord)
    },
    async markWatched(id) {
      // A difference and not a comparison: a clock that was set back must not keep the note from being made.
      const age = { $abs: { $subtract: [db.now(), '$watchedAt'] } }
      const where = {
        ...(await locate(db, id)),
        abandonAt: { $gte: 0 },
        $expr: { $gte: [age, WATCHED_EVERY_MS] },
      }
      const abandonAt = db.nowPlus({ $multiply: ['$abandonAfterSeconds', 1000] })
      await runs.updateOne(where, [{ $set: { watchedAt: db.now(), abandonAt } }])
    },
    removeOlder: (finishedBefore, limit) => removeRuns(db, finishedBefore, limit),
  }
}
