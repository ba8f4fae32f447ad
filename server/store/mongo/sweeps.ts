import { abandonedMessage, lostVerdict, overdueVerdict } from '../ports/run-rules.ts'
import type { RunRecord } from '../ports/runs.ts'
import type { Database, Where } from './database.ts'
import { cancel, endRun, handBack } from './run-changes.ts'
import { type RunDoc, runRecord } from './run-record.ts'

/** Which runs each sweep looks at, and the field by whose index it finds the most urgent ones. */
export const SWEEPS = {
  lost: (now: number) => ({ where: { state: 'running', leaseEndsAt: { $lte: now } }, by: 'leaseEndsAt' }),
  abandoned: (now: number, watchSince: number) => ({
    where: { abandonAt: { $gte: 0, $lte: now }, abandonAfterSeconds: { $lte: (now - watchSince) / 1000 } },
    by: 'abandonAt',
  }),
  overdue: (now: number) => ({ where: { state: 'queued', queueEndsAt: { $lte: now } }, by: 'queueEndsAt' }),
} as const

/**
 * Ends or hands back what is due by the store's time. Each run is changed only if it still is when the change arrives:
 * many may sweep at once, and a lease that was renewed meanwhile stands.
 */
async function sweep(
  db: Database,
  { where, by }: { where: Where; by: string },
  limit: number,
  change: (run: RunDoc, guard: Where) => Promise<RunRecord | undefined>,
): Promise<RunRecord[]> {
  const due = await db
    .collection('runs')
    .find(where)
    .sort({ [by]: 1 })
    .limit(limit)
    .toArray()
  const changed: RunRecord[] = []
  for (const run of due as unknown as RunDoc[]) {
    const answer = await change(run, { [by]: where[by] })
    if (answer) changed.push(answer)
  }
  return changed
}

/** Takes back runs whose lease is over. */
export async function sweepLost(db: Database, limit: number): Promise<RunRecord[]> {
  return sweep(db, SWEEPS.lost(await db.time()), limit, (run, guard) => {
    const record = runRecord(run)
    const lostLeases = record.lostLeases + 1
    const { attempts } = record.definition
    return run.cancelReason !== null || lostLeases < attempts
      ? handBack(db, run, { lostLeases, guard })
      : endRun(db, run, lostVerdict(attempts, lostLeases), { lostLeases, guard })
  })
}

/** Cancels runs whose client has been away for longer than they allow. */
export async function sweepAbandoned(db: Database, watchSince: number, limit: number): Promise<RunRecord[]> {
  return sweep(db, SWEEPS.abandoned(await db.time(), watchSince), limit, (run, guard) =>
    cancel(db, run, 'abandoned', abandonedMessage(runRecord(run)), guard),
  )
}

/** Ends runs that were queued for too long. A run that was handed back waits anew. */
export async function sweepOverdue(db: Database, limit: number): Promise<RunRecord[]> {
  return sweep(db, SWEEPS.overdue(await db.time()), limit, (run, guard) =>
    endRun(db, run, overdueVerdict(runRecord(run)), { guard }),
  )
}
