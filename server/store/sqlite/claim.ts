import type { RunRecord } from '../ports/runs.ts'
import type { Database } from './database.ts'
import { startRun } from './run-changes.ts'
import { parseLane } from './run-record.ts'

export const CLAIM_SQL = {
  workspaces: `SELECT workspace FROM workspace_totals INDEXED BY workspace_totals_busy
    WHERE (queued > 0 OR running > 0) AND queued > 0 AND running < :perWorkspace`,
  workspace:
    'SELECT workspace FROM workspace_totals WHERE workspace = :workspace AND queued > 0 AND running < :perWorkspace',
  /** The next lane and the oldest run in it: one step in the index, however many runs the lane has. */
  lane: `SELECT lane, createdAt, id FROM runs WHERE state = 'queued' AND workspace = :workspace AND lane > :lane
    ORDER BY lane, createdAt, id LIMIT 1`,
  runningLimit: `SELECT json_extract(limits, '$.runningAtOnce') AS n FROM users WHERE id = :user`,
  runningOfUser: `SELECT count(*) AS n FROM runs WHERE user = :user AND state = 'running'`,
  runningOfSuite: `SELECT count(*) AS n FROM runs WHERE workspace = :workspace AND suite = :suite AND state = 'running'`,
}

/**
 * Claims the oldest queued run that these labels may take and whose workspace and suite have a free slot. It looks at
 * workspaces and lanes, not at runs: a thousand runs that wait for a slot cost as much as one.
 */
export function claimOldest(
  db: Database,
  worker: { id: string; labels: readonly string[] },
  options: { leaseMs: number; perWorkspace: number; workspace?: string },
): RunRecord | undefined {
  const labels = new Set(worker.labels)
  let oldest: { createdAt: number; id: string } | undefined
  const free = options.workspace === undefined ? CLAIM_SQL.workspaces : CLAIM_SQL.workspace
  for (const { workspace } of db.all(free, { ...options })) {
    let lane = ''
    for (
      let row = db.get(CLAIM_SQL.lane, { workspace, lane });
      row;
      row = db.get(CLAIM_SQL.lane, { workspace, lane })
    ) {
      lane = row.lane as string
      const head = { createdAt: Number(row.createdAt), id: row.id as string }
      if (oldest && !isBefore(head, oldest)) continue
      const { suite, concurrency, runsOn, user } = parseLane(lane)
      if (!runsOn.every((label) => labels.has(label))) continue
      if (user !== undefined && !mayRunMore(db, user)) continue
      if (Number(db.get(CLAIM_SQL.runningOfSuite, { workspace, suite })!.n) < concurrency) oldest = head
    }
  }
  return oldest && startRun(db, oldest.id, worker.id, options.leaseMs)
}

/** How many runs of the user may run at once; null: as many as there are slots. */
export function runningLimitOf(db: Database, user: string): number | null {
  const n = db.get(CLAIM_SQL.runningLimit, { user })?.n
  return typeof n === 'number' ? n : null
}

function mayRunMore(db: Database, user: string): boolean {
  const limit = runningLimitOf(db, user)
  return limit === null || Number(db.get(CLAIM_SQL.runningOfUser, { user })!.n) < limit
}

function isBefore(a: { createdAt: number; id: string }, b: { createdAt: number; id: string }): boolean {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id)
}
