import type { RunRecord } from '../ports/runs.ts'
import type { Database } from './database.ts'
import { startRun } from './run-changes.ts'
import { parseLane } from './run-record.ts'

export const CLAIM_SQL = {
  workspaces: `SELECT workspace FROM workspace_totals INDEXED BY workspace_totals_busy
    WHERE (queued > 0 OR running > 0) AND queued > 0 AND running < :perWorkspace`,
  /** The next lane and the oldest run in it: one step in the index, however many runs the lane has. */
  lane: `SELECT lane, createdAt, id FROM runs WHERE state = 'queued' AND workspace = :workspace AND lane > :lane
    ORDER BY lane, createdAt, id LIMIT 1`,
  runningOfSuite: `SELECT count(*) AS n FROM runs WHERE workspace = :workspace AND suite = :suite AND state = 'running'`,
}

/**
 * Claims the oldest queued run that these labels may take and whose workspace and suite have a free slot. It looks at
 * workspaces and lanes, not at runs: a thousand runs that wait for a slot cost as much as one.
 */
export function claimOldest(
  db: Database,
  worker: { id: string; labels: readonly string[] },
  options: { leaseMs: number; perWorkspace: number },
): RunRecord | undefined {
  const labels = new Set(worker.labels)
  let oldest: { createdAt: number; id: string } | undefined
  for (const { workspace } of db.all(CLAIM_SQL.workspaces, { perWorkspace: options.perWorkspace })) {
    let lane = ''
    for (
      let row = db.get(CLAIM_SQL.lane, { workspace, lane });
      row;
      row = db.get(CLAIM_SQL.lane, { workspace, lane })
    ) {
      lane = row.lane as string
      const head = { createdAt: Number(row.createdAt), id: row.id as string }
      if (oldest && !isBefore(head, oldest)) continue
      const { suite, concurrency, runsOn } = parseLane(lane)
      if (!runsOn.every((label) => labels.has(label))) continue
      if (Number(db.get(CLAIM_SQL.runningOfSuite, { workspace, suite })!.n) < concurrency) oldest = head
    }
  }
  return oldest && startRun(db, oldest.id, worker.id, options.leaseMs)
}

function isBefore(a: { createdAt: number; id: string }, b: { createdAt: number; id: string }): boolean {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id)
}
