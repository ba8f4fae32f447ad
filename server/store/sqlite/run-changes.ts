import { cancelledVerdict } from '../ports/run-rules.ts'
import type { RunRecord, Verdict } from '../ports/runs.ts'
import type { Database } from './database.ts'
import { announceRun, noteSuiteState } from './outbox.ts'
import { getRun, RUN_COLUMNS, runRecord } from './run-record.ts'

export const RUN_CHANGES_SQL = {
  start: `UPDATE runs SET state = 'running', version = version + 1, attempt = attempt + 1, startedAt = :now, reason = NULL,
    artifacts = 0, owner = :owner, leaseEndsAt = :leaseEndsAt WHERE id = :id RETURNING ${RUN_COLUMNS}`,
  requeue: `UPDATE runs SET state = 'queued', version = version + 1, lostLeases = :lostLeases, startedAt = NULL, reason = NULL,
    queueEndsAt = :queueEndsAt, owner = NULL, leaseEndsAt = NULL WHERE id = :id RETURNING ${RUN_COLUMNS}`,
  end: `UPDATE runs SET state = :state, version = version + 1, finishedAt = :now, results = :results, reason = :reason,
    lostLeases = :lostLeases, sealedSecrets = NULL, owner = NULL, leaseEndsAt = NULL, abandonAt = NULL
    WHERE id = :id RETURNING ${RUN_COLUMNS}`,
  askToStop: `UPDATE runs SET cancelReason = :cancelReason, cancelMessage = :cancelMessage, abandonAt = NULL WHERE id = :id`,
  cancelMessage: 'SELECT cancelMessage FROM runs WHERE id = :id',
}

/** The four ways in which a run moves on. The caller has checked, in the same transaction, that it may. */

export function startRun(db: Database, id: string, owner: string, leaseMs: number): RunRecord {
  const now = db.now()
  const run = runRecord(db.get(RUN_CHANGES_SQL.start, { id, owner, now, leaseEndsAt: now + leaseMs })!)
  announceRun(db, 'run.started', run)
  return run
}

/** Back into the queue, or to the cancel that was asked for meanwhile. */
export function handBack(db: Database, run: RunRecord, lostLeases = run.lostLeases): RunRecord {
  if (run.cancelReason !== null) {
    const message = db.get(RUN_CHANGES_SQL.cancelMessage, { id: run.id })!.cancelMessage as string
    return endRun(db, { ...run, lostLeases }, cancelledVerdict(run.cancelReason, message))
  }
  const queueEndsAt = db.now() + run.queueTimeoutSeconds * 1000
  return runRecord(db.get(RUN_CHANGES_SQL.requeue, { id: run.id, lostLeases, queueEndsAt })!)
}

export function endRun(db: Database, run: Pick<RunRecord, 'id' | 'lostLeases'>, verdict: Verdict): RunRecord {
  const { id, lostLeases } = run
  const ended = runRecord(db.get(RUN_CHANGES_SQL.end, { ...verdict, id, lostLeases, now: db.now() })!)
  announceRun(db, 'run.finished', ended)
  noteSuiteState(db, ended)
  return ended
}

/** A queued run ends at once, a running one is to be stopped by its worker; the first reason stays. A final one is unchanged. */
export function cancelRun(
  db: Database,
  run: RunRecord,
  cancelReason: NonNullable<RunRecord['cancelReason']>,
  cancelMessage: string,
): RunRecord {
  if (run.state === 'queued') return endRun(db, run, cancelledVerdict(cancelReason, cancelMessage))
  if (run.state !== 'running' || run.cancelReason !== null) return run
  db.run(RUN_CHANGES_SQL.askToStop, { id: run.id, cancelReason, cancelMessage })
  return getRun(db, run.id)!
}
