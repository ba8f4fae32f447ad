import type { Lease, Queue } from '../ports/queue.ts'
import { claimOldest } from './claim.ts'
import type { Database } from './database.ts'
import { endRun, handBack } from './run-changes.ts'
import { getRun, RUN_COLUMNS, runRecord } from './run-record.ts'
import { sweepAbandoned, sweepLost, sweepOverdue } from './sweeps.ts'

const FENCE = `id = :run AND attempt = :attempt AND owner = :owner AND state = 'running'`
export const QUEUE_SQL = {
  held: `SELECT ${RUN_COLUMNS} FROM runs WHERE ${FENCE}`,
  holds: `SELECT 1 FROM runs WHERE ${FENCE}`,
  renew: `UPDATE runs SET leaseEndsAt = :leaseEndsAt WHERE ${FENCE} RETURNING cancelReason`,
  ofOwner: `SELECT ${RUN_COLUMNS} FROM runs WHERE owner = :owner`,
  heldBy: `SELECT ${RUN_COLUMNS} FROM runs WHERE owner = :owner LIMIT :limit`,
  waiting: `SELECT ${RUN_COLUMNS} FROM runs WHERE state = 'queued' ORDER BY createdAt, id LIMIT :limit`,
  explain: `UPDATE runs SET reason = :reason, version = version + 1
    WHERE id = :run AND state = 'queued' AND reason IS NOT :reason`,
  depth: `SELECT coalesce(sum(queued), 0) AS queued, coalesce(sum(running), 0) AS running FROM workspace_totals
    WHERE queued > 0 OR running > 0`,
}

const fence = (lease: Lease, owner: string) => ({ run: lease.run, attempt: lease.attempt, owner })

export function sqliteQueue(db: Database): Queue {
  function held(lease: Lease, owner: string) {
    const row = db.get(QUEUE_SQL.held, fence(lease, owner))
    return row && runRecord(row)
  }

  return {
    claim: (worker, options) => db.write(() => claimOldest(db, worker, options)),
    renew: (lease, owner, leaseMs) =>
      db.write(() => {
        const row = db.get(QUEUE_SQL.renew, { ...fence(lease, owner), leaseEndsAt: db.now() + leaseMs })
        return row ? { cancelReason: row.cancelReason as 'cancelled_by_user' | 'abandoned' | null } : 'lost'
      }),
    finish: (lease, owner, verdict) =>
      db.write(() => {
        const run = held(lease, owner)
        return run ? endRun(db, run, verdict) : 'lost'
      }),
    release: (lease, owner) =>
      db.write(() => {
        const run = held(lease, owner)
        return run ? handBack(db, run) : 'lost'
      }),
    holds: async (lease, owner) => db.get(QUEUE_SQL.holds, fence(lease, owner)) !== undefined,
    heldBy: async (owner, limit) => db.all(QUEUE_SQL.heldBy, { owner, limit }).map(runRecord),
    releaseAllOf: (owner) =>
      db.write(() => db.all(QUEUE_SQL.ofOwner, { owner }).map((row) => handBack(db, runRecord(row)))),
    takeBackLost: (limit) => db.write(() => sweepLost(db, limit)),
    cancelAbandoned: (watchSince, limit) => db.write(() => sweepAbandoned(db, watchSince, limit)),
    endOverdue: (limit) => db.write(() => sweepOverdue(db, limit)),
    waiting: async (limit) => db.all(QUEUE_SQL.waiting, { limit }).map(runRecord),
    explain: (run, reason) =>
      db.write(() => {
        // Compared as JSON: the fields always in one order.
        const ordered = reason && { code: reason.code, message: reason.message, fault: reason.fault }
        db.run(QUEUE_SQL.explain, { run, reason: ordered })
      }),
    endQueued: (run, verdict) =>
      db.write(() => {
        const queued = getRun(db, run)
        return queued?.state === 'queued' ? endRun(db, queued, verdict) : undefined
      }),
    async depth() {
      const row = db.get(QUEUE_SQL.depth)!
      return { queued: Number(row.queued), running: Number(row.running) }
    },
  }
}
