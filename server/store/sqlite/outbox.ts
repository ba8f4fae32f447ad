import type { Outbox, OutboxContent, OutboxEvent, SuiteVerdict } from '../ports/outbox.ts'
import { shownOf, suiteVerdict } from '../ports/run-rules.ts'
import type { RunRecord } from '../ports/runs.ts'
import { type Database, decoder } from './database.ts'
import { insertDeliveries } from './delivery-insert.ts'

const DAY_MS = 86_400_000

export const OUTBOX_SQL = {
  listens: 'SELECT 1 FROM callbacks WHERE workspace = :workspace AND disabledAt IS NULL LIMIT 1',
  insert: 'INSERT INTO outbox (workspace, at, content) VALUES (:workspace, :at, :content)',
  take: 'SELECT seq, workspace, at, content FROM outbox WHERE seq > 0 ORDER BY seq LIMIT :limit',
  remove: 'DELETE FROM outbox WHERE seq = :seq',
  suiteState: `SELECT state, runCreatedAt FROM suite_states
    WHERE workspace = :workspace AND suite = :suite AND branch = :branch`,
  setSuiteState: `INSERT INTO suite_states (workspace, suite, branch, state, runCreatedAt, updatedAt)
    VALUES (:workspace, :suite, :branch, :state, :createdAt, :now)
    ON CONFLICT DO UPDATE SET state = excluded.state, runCreatedAt = excluded.runCreatedAt, updatedAt = excluded.updatedAt`,
  oldSuiteStates:
    'SELECT workspace, suite, branch FROM suite_states WHERE updatedAt < :before ORDER BY updatedAt LIMIT :limit',
  forgetSuiteState: 'DELETE FROM suite_states WHERE workspace = :workspace AND suite = :suite AND branch = :branch',
  expiring: `SELECT id, name, user, "start", workspace, expiresAt FROM keys
    WHERE revokedAt IS NULL AND expiresAt > :now AND expiresAt <= :until AND createdAt < expiresAt - :until + :now
      AND NOT EXISTS (SELECT 1 FROM key_notices WHERE key = keys.id AND days <= :days)
      AND EXISTS (SELECT 1 FROM callbacks WHERE callbacks.workspace = keys.workspace AND disabledAt IS NULL)
    ORDER BY expiresAt LIMIT :limit`,
  noteExpiring: 'INSERT INTO key_notices (key, days) VALUES (:key, :days) ON CONFLICT DO NOTHING',
}
const event = decoder<OutboxEvent>({ json: ['content'] })

/** Puts it where deliveries are made of it; in the transaction in which it happens. */
export function announce(db: Database, workspace: string, content: OutboxContent, at = db.now()): void {
  db.run(OUTBOX_SQL.insert, { workspace, at, content })
}

/** A run came to that: told where anybody listens. The end is told, too, to the address that the run itself named. */
export function announceRun(db: Database, type: 'run.queued' | 'run.started' | 'run.finished', run: RunRecord): void {
  const asked = type === 'run.finished' && run.callbackUrl !== null
  if (asked || listens(db, run.workspace)) announce(db, run.workspace, { type, run: shownOf(run) })
}

/** Notes what a run that ended says of its suite on its branch, and tells when that is a turn. */
export function noteSuiteState(db: Database, run: RunRecord): void {
  const to = suiteVerdict(run)
  if (to === undefined) return
  const { workspace, suite, createdAt } = run
  const place = { workspace, suite, branch: run.ci.branch ?? '' }
  const before = db.get(OUTBOX_SQL.suiteState, place) as { state: SuiteVerdict; runCreatedAt: number } | undefined
  if (before && before.runCreatedAt > createdAt) return
  db.run(OUTBOX_SQL.setSuiteState, { ...place, state: to, createdAt, now: db.now() })
  if (!before || before.state === to || !listens(db, workspace)) return
  announce(db, workspace, { type: 'suite.state_changed', run: shownOf(run), from: before.state, to })
}

/** Whether the workspace has an active callback. */
export function listens(db: Database, workspace: string): boolean {
  return db.get(OUTBOX_SQL.listens, { workspace }) !== undefined
}

export function sqliteOutbox(db: Database): Outbox {
  return {
    take: async (limit) => db.all(OUTBOX_SQL.take, { limit }).map(event),
    spread: (seq, deliveries) =>
      db.write(() => {
        if (db.run(OUTBOX_SQL.remove, { seq }) === 0) return false
        insertDeliveries(db, deliveries)
        return true
      }),
    announceExpiring: (days, limit) =>
      db.write(() => {
        let told = 0
        const now = db.now()
        // The nearest first: a key that was seen late is told of once, by the number that it is at.
        for (const one of [...days].sort((a, b) => a - b)) {
          for (const row of db.all(OUTBOX_SQL.expiring, { now, until: now + one * DAY_MS, days: one, limit })) {
            const { workspace, expiresAt, id, name, user, start } = row as Record<string, string> & {
              expiresAt: number
            }
            const key = { id: id!, name: name!, user: user!, start: start! }
            db.run(OUTBOX_SQL.noteExpiring, { key: key.id, days: one })
            announce(db, workspace!, { type: 'key.expiring', key, expiresAt, days: one })
            told++
          }
        }
        return told
      }),
    forgetSuiteStates: (before, limit) =>
      db.write(() => {
        const old = db.all(OUTBOX_SQL.oldSuiteStates, { before, limit })
        for (const place of old) db.run(OUTBOX_SQL.forgetSuiteState, place)
        return old.length
      }),
  }
}
