import { cancelledVerdict } from '../ports/run-rules.ts'
import type { RunRecord, Verdict } from '../ports/runs.ts'
import { type Database, type Expression, set, type Where } from './database.ts'
import { telling } from './run-news.ts'
import { changeRun, type RunDoc, runRecord, theRun } from './run-record.ts'
import { countRunTime } from './run-usage.ts'

/** What only a running run has: with the slots, its places among those that may run at once. */
const HELD = ['owner', 'leaseEndsAt', 'workspaceSlot', 'suiteSlot']
const RISEN: Expression = { $add: ['$version', 1] }

/** The ways in which a run moves on, as pipelines of an update. */

export function starting(db: Database, owner: string, leaseMs: number, slots: Record<string, number>): object[] {
  const fresh = { state: 'running', reason: null, artifacts: 0, logSeq: 0, caseCount: 0, caseBlocks: [] }
  const computed = {
    ...{ version: RISEN, attempt: { $add: ['$attempt', 1] } },
    ...{ startedAt: db.now(), leaseEndsAt: db.nowPlus(leaseMs) },
  }
  return [set({ ...fresh, owner, ...slots }, computed), { $unset: ['queueSlot'] }, telling(db, 'run.started')]
}

export function ending(db: Database, { state, results, reason }: Verdict, lostLeases?: number): object[] {
  const lost = lostLeases === undefined ? {} : { lostLeases }
  const computed = { version: RISEN, finishedAt: db.now() }
  const values = { state, results, reason, sealedSecrets: null, ...lost }
  return [set(values, computed), { $unset: [...HELD, 'open', 'queueSlot', 'abandonAt'] }, telling(db, 'run.finished')]
}

function requeueing(db: Database, run: RunRecord, lostLeases: number): object[] {
  const values = { state: 'queued', lostLeases, startedAt: null, reason: null }
  const computed = { version: RISEN, queueEndsAt: db.nowPlus(run.queueTimeoutSeconds * 1000) }
  return [set(values, computed), { $unset: HELD }]
}

/**
 * Changes the run if it is still what it was when it was read (a renewed lease is no change). Undefined when somebody was
 * faster: what they made of it stands.
 */
export async function change(
  db: Database,
  run: RunDoc,
  stages: object[],
  guard: Where = {},
): Promise<RunRecord | undefined> {
  const { state, attempt, version, cancelReason } = run
  const when = { state, attempt, version, cancelReason, ...guard }
  const changed = await changeRun(db, theRun(db, run), when, stages)
  return changed ? runRecord(changed) : undefined
}

export async function endRun(
  db: Database,
  run: RunDoc,
  verdict: Verdict,
  options: { lostLeases?: number; guard?: Where } = {},
): Promise<RunRecord | undefined> {
  const ended = await change(db, run, ending(db, verdict, options.lostLeases), options.guard)
  if (ended) countRunTime(db, ended)
  return ended
}

/** Back into the queue, or to the cancel that was asked for meanwhile. */
export function handBack(
  db: Database,
  run: RunDoc,
  options: { lostLeases?: number; guard?: Where } = {},
): Promise<RunRecord | undefined> {
  if (run.cancelReason !== null) {
    return endRun(db, run, cancelledVerdict(run.cancelReason, run.cancelMessage ?? ''), options)
  }
  const record = runRecord(run)
  return change(db, run, requeueing(db, record, options.lostLeases ?? record.lostLeases), options.guard)
}

/** A queued run ends at once, a running one is to be stopped by its worker; the first reason stays. A final one is unchanged. */
export async function cancel(
  db: Database,
  run: RunDoc,
  code: NonNullable<RunRecord['cancelReason']>,
  message: string,
  guard: Where = {},
): Promise<RunRecord | undefined> {
  if (run.state === 'queued') return endRun(db, run, cancelledVerdict(code, message), { guard })
  if (run.state !== 'running' || run.cancelReason !== null) return runRecord(run)
  const asked = [set({ cancelReason: code, cancelMessage: message }), { $unset: ['abandonAt'] }]
  return change(db, run, asked, guard)
}
