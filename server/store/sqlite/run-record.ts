import type { requestOf } from '../ports/run-rules.ts'
import type { NewRun, RunRecord } from '../ports/runs.ts'
import { type Database, decoder, type Row } from './database.ts'

export const RUN_COLUMNS = `id, workspace, suite, state, version, attempt, lostLeases, artifacts, createdAt, startedAt, finishedAt,
  cancelReason, results, reason, sealedSecrets, request`

export const RUN_RECORD_SQL = {
  get: `SELECT ${RUN_COLUMNS} FROM runs WHERE id = :id`,
  /** Whether the attempt still holds its lease: the fence of everything that a worker hands in. */
  held: `SELECT hasLog FROM runs WHERE id = :run AND attempt = :attempt AND state = 'running'`,
}

const columns = decoder<RunRecord & { request?: Request }>({ json: ['results', 'reason', 'request'] })
type Request = ReturnType<typeof requestOf>

export function runRecord(row: Row): RunRecord {
  const { request, ...run } = columns(row)
  return { ...(request as Request), ...run }
}

export function getRun(db: Database, id: string): RunRecord | undefined {
  const row = db.get(RUN_RECORD_SQL.get, { id })
  return row && runRecord(row)
}

/** Whether the lease's run has a log, while the attempt holds it, else undefined. */
export function heldRun(db: Database, lease: { run: string; attempt: number }): Row | undefined {
  return db.get(RUN_RECORD_SQL.held, { run: lease.run, attempt: lease.attempt })
}

/**
 * Queued runs of one lane may be claimed by the same workers at the same time. Those of a user who may run only so many
 * at once have lanes of their own, so that they hold up nobody else.
 */
export function laneOf({ suite, definition }: Pick<NewRun, 'suite' | 'definition'>, limitedUser?: string): string {
  const lane = [suite, definition.concurrency, definition.runsOn]
  return JSON.stringify(limitedUser === undefined ? lane : [...lane, limitedUser])
}

export function parseLane(lane: string): { suite: string; concurrency: number; runsOn: string[]; user?: string } {
  const [suite, concurrency, runsOn, user] = JSON.parse(lane)
  return { suite, concurrency, runsOn, ...(user === undefined ? {} : { user }) }
}
