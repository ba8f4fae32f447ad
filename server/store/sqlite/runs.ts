import { dayOf, factsOf, IDEMPOTENT_MS, requestOf, WATCHED_EVERY_MS } from '../ports/run-rules.ts'
import type { NewRun, Runs } from '../ports/runs.ts'
import { runningLimitOf } from './claim.ts'
import { type Database, decoder } from './database.ts'
import { announceRun } from './outbox.ts'
import { removeRuns } from './removal.ts'
import { cancelRun } from './run-changes.ts'
import { listRuns } from './run-list.ts'
import { getRun, laneOf, RUN_COLUMNS, runRecord } from './run-record.ts'

export const RUNS_SQL = {
  ofKey: `SELECT id, idempotencyMeaning AS meaning, createdAt FROM runs
    WHERE workspace = :workspace AND idempotencyKey = :key`,
  freeKey: 'UPDATE runs SET idempotencyKey = NULL, idempotencyMeaning = NULL WHERE id = :id',
  queued: 'SELECT queued FROM workspace_totals WHERE workspace = :workspace',
  insert: `INSERT INTO runs (id, workspace, suite, state, version, attempt, lostLeases, artifacts, createdAt, queueEndsAt,
      watchedAt, abandonAt, archive, idempotencyKey, idempotencyMeaning, lane, user, sealedSecrets, request)
    VALUES (:id, :workspace, :suite, 'queued', 1, 0, 0, 0, :now, :now + :queueTimeoutSeconds * 1000,
      :now, :now + :abandonAfterSeconds * 1000, :archive, :key, :meaning, :lane, :user, :sealedSecrets, :request)`,
  unfinishedOf: `SELECT ${RUN_COLUMNS} FROM runs WHERE user = :user AND finishedAt IS NULL AND id > :after ORDER BY id LIMIT :limit`,
  ofToday: 'SELECT sum(runs) AS n FROM usage WHERE user = :user AND day = :day',
  insertFact: `INSERT INTO run_facts (workspace, kind, value, createdAt, run) VALUES (:workspace, :kind, :value, :createdAt, :run)`,
  watched: 'SELECT watchedAt FROM runs WHERE id = :id AND abandonAt IS NOT NULL',
  markWatched: `UPDATE runs SET watchedAt = :now, abandonAt = :now + json_extract(request, '$.abandonAfterSeconds') * 1000
    WHERE id = :id AND abandonAt IS NOT NULL`,
}
const ofKey = decoder<{ id: string; meaning: string; createdAt: number }>({})

export function sqliteRuns(db: Database): Runs {
  /** The run that has the idempotency key; one older than a day gives it back. */
  function holderOf(workspace: string, key: string) {
    const row = db.get(RUNS_SQL.ofKey, { workspace, key })
    const run = row && ofKey(row)
    if (!run || db.now() - run.createdAt < IDEMPOTENT_MS) return run
    db.run(RUNS_SQL.freeKey, { id: run.id })
    return undefined
  }

  function insert(run: NewRun, idempotency: { key: string; meaning: string } | undefined) {
    const now = db.now()
    const user = run.triggeredBy.userId
    const lane = laneOf(run, user !== null && runningLimitOf(db, user) !== null ? user : undefined)
    db.run(RUNS_SQL.insert, {
      ...run,
      ...idempotency,
      ...{ now, lane, user, archive: run.definition.archive, request: requestOf(run) },
    })
    for (const fact of factsOf(run)) {
      db.run(RUNS_SQL.insertFact, { workspace: run.workspace, ...fact, createdAt: now, run: run.id })
    }
    const made = getRun(db, run.id)!
    announceRun(db, 'run.queued', made)
    return made
  }

  return {
    create: (run, { maxQueued, maxPerDay = null, idempotency }) =>
      db.write(() => {
        const { workspace } = run
        const earlier = idempotency && holderOf(workspace, idempotency.key)
        if (earlier) {
          if (earlier.meaning !== idempotency.meaning) return 'idempotency_key_reused'
          return { run: getRun(db, earlier.id)!, replayed: true }
        }
        if (Number(db.get(RUNS_SQL.queued, { workspace })?.queued ?? 0) >= maxQueued) return 'queue_full'
        if (maxPerDay !== null && startedToday(db, run.triggeredBy.userId) >= maxPerDay) return 'user_quota'
        return { run: insert(run, idempotency), replayed: false }
      }),
    get: async (id) => getRun(db, id),
    async unfinishedOf(user, limit, after = '') {
      return db.all(RUNS_SQL.unfinishedOf, { user, limit, after }).map(runRecord)
    },
    list: async (workspace, filter, page) => listRuns(db, workspace, filter, page),
    cancel: (id, reason, message) =>
      db.write(() => {
        const run = getRun(db, id)
        return run && cancelRun(db, run, reason, message)
      }),
    async markWatched(id) {
      const row = db.get(RUNS_SQL.watched, { id })
      // A difference and not a comparison: a clock that was set back must not keep the note from being made.
      if (!row || Math.abs(db.now() - Number(row.watchedAt)) < WATCHED_EVERY_MS) return
      await db.write(() => db.run(RUNS_SQL.markWatched, { id, now: db.now() }))
    },
    removeOlder: (finishedBefore, limit) => removeRuns(db, finishedBefore, limit),
  }
}

function startedToday(db: Database, user: string | null): number {
  return Number(db.get(RUNS_SQL.ofToday, { user, day: dayOf(db.now()) })?.n ?? 0)
}
