import { abandonedMessage, lostVerdict, overdueVerdict } from '../ports/run-rules.ts'
import type { RunRecord } from '../ports/runs.ts'
import type { Database } from './database.ts'
import { cancelRun, endRun, handBack } from './run-changes.ts'
import { RUN_COLUMNS, runRecord } from './run-record.ts'

export const SWEEPS_SQL = {
  lost: `SELECT ${RUN_COLUMNS} FROM runs WHERE leaseEndsAt <= :now ORDER BY leaseEndsAt LIMIT :limit`,
  abandoned: `SELECT ${RUN_COLUMNS} FROM runs WHERE abandonAt <= :now
    AND :watchSince + json_extract(request, '$.abandonAfterSeconds') * 1000 <= :now ORDER BY abandonAt LIMIT :limit`,
  overdue: `SELECT ${RUN_COLUMNS} FROM runs WHERE state = 'queued' AND queueEndsAt <= :now ORDER BY queueEndsAt LIMIT :limit`,
}

/** Takes back runs whose lease is over. */
export function sweepLost(db: Database, limit: number): RunRecord[] {
  return db.all(SWEEPS_SQL.lost, { now: db.now(), limit }).map((row) => {
    const run = runRecord(row)
    const lostLeases = run.lostLeases + 1
    const { attempts } = run.definition
    if (run.cancelReason !== null || lostLeases < attempts) return handBack(db, run, lostLeases)
    return endRun(db, { ...run, lostLeases }, lostVerdict(attempts, lostLeases))
  })
}

/** Cancels runs whose client has been away for longer than they allow. */
export function sweepAbandoned(db: Database, watchSince: number, limit: number): RunRecord[] {
  return db.all(SWEEPS_SQL.abandoned, { now: db.now(), watchSince, limit }).map((row) => {
    const run = runRecord(row)
    return cancelRun(db, run, 'abandoned', abandonedMessage(run))
  })
}

/** Ends runs that were queued for too long. A run that was handed back waits anew. */
export function sweepOverdue(db: Database, limit: number): RunRecord[] {
  return db.all(SWEEPS_SQL.overdue, { now: db.now(), limit }).map((row) => {
    const run = runRecord(row)
    return endRun(db, run, overdueVerdict(run))
  })
}
