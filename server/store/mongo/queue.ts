import type { Lease, Queue } from '../ports/queue.ts'
import { claimOldest } from './claim.ts'
import type { Database } from './database.ts'
import { ending, endRun, handBack } from './run-changes.ts'
import { changeRun, getRun, locate, type RunDoc, runRecord } from './run-record.ts'
import { countRunTime } from './run-usage.ts'
import { sweepAbandoned, sweepLost, sweepOverdue } from './sweeps.ts'

export function mongoQueue(db: Database): Queue {
  const runs = db.collection('runs')
  const holding = ({ attempt }: Lease, owner: string) => ({ attempt, owner, state: 'running' })
  const fence = async (lease: Lease, owner: string) => ({ ...(await locate(db, lease.run)), ...holding(lease, owner) })

  return {
    claim: (worker, options) => claimOldest(db, worker, options),
    async renew(lease, owner, leaseMs) {
      const renewed = await runs.findOneAndUpdate(
        await fence(lease, owner),
        [{ $set: { leaseEndsAt: db.nowPlus(leaseMs) } }],
        { returnDocument: 'after', projection: { cancelReason: 1 } },
      )
      return renewed ? { cancelReason: renewed.cancelReason } : 'lost'
    },
    async finish(lease, owner, verdict) {
      const ended = await changeRun(db, await locate(db, lease.run), holding(lease, owner), ending(db, verdict))
      if (!ended) return 'lost'
      const run = runRecord(ended)
      countRunTime(db, run)
      return run
    },
    async release(lease, owner) {
      for (;;) {
        const held = (await runs.findOne(await fence(lease, owner))) as RunDoc | null
        if (!held) return 'lost'
        const back = await handBack(db, held)
        if (back) return back
      }
    },
    holds: async (lease, owner) => (await runs.findOne(await fence(lease, owner), { projection: { _id: 1 } })) !== null,
    async heldBy(owner, limit) {
      return (await runs.find({ owner, state: 'running' }).limit(limit).toArray()).map(runRecord)
    },
    async releaseAllOf(owner) {
      const held = (await runs.find({ owner, state: 'running' }).toArray()) as unknown as RunDoc[]
      const back = await Promise.all(held.map((run) => handBack(db, run, { guard: { owner } })))
      return back.filter((run) => run !== undefined)
    },
    takeBackLost: (limit) => sweepLost(db, limit),
    cancelAbandoned: (watchSince, limit) => sweepAbandoned(db, watchSince, limit),
    endOverdue: (limit) => sweepOverdue(db, limit),
    async waiting(limit) {
      return (await runs.find({ state: 'queued' }).sort({ createdAt: 1, _id: 1 }).limit(limit).toArray()).map(runRecord)
    },
    async explain(run, reason) {
      // Compared as documents: the fields always in one order.
      const ordered = reason && { code: reason.code, message: reason.message, fault: reason.fault }
      const where = { ...(await locate(db, run)), state: 'queued', reason: { $ne: ordered } }
      await runs.updateOne(where, { $set: { reason: ordered }, $inc: { version: 1 } })
    },
    async endQueued(run, verdict) {
      for (;;) {
        const queued = await getRun(db, run)
        if (queued?.state !== 'queued') return undefined
        const ended = await endRun(db, queued, verdict)
        if (ended) return ended
      }
    },
    async depth() {
      const [queued, running] = await Promise.all([
        runs.countDocuments({ state: 'queued', createdAt: { $gte: 0 } }),
        runs.countDocuments({ state: 'running', leaseEndsAt: { $gte: 0 } }),
      ])
      return { queued, running }
    },
  }
}
