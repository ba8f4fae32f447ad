import type { AttemptRecord, Deliveries, DeliveryRecord } from '../ports/deliveries.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'
import { insertDeliveries } from './delivery-insert.ts'
import { removeDeliveries } from './delivery-removal.ts'

const COLUMNS = `id, workspace, endpoint, callback, url, event, type, run, suite, state, attempts, tries, nextAt, lastStatus,
  lastError, createdAt, finishedAt, (SELECT body FROM payloads WHERE payloads.id = payload) AS body`
const BY_STATE = '(:state IS NULL OR +state = :state)'
export const DELIVERIES_SQL = {
  get: `SELECT ${COLUMNS} FROM deliveries WHERE id = :id`,
  list: `SELECT ${COLUMNS} FROM deliveries WHERE workspace = :workspace AND ${BY_STATE} AND ${PAGE}`,
  listOfCallback: `SELECT ${COLUMNS} FROM deliveries WHERE callback = :callback AND +workspace = :workspace AND ${BY_STATE}
    AND ${PAGE}`,
  attempts: 'SELECT number, at, durationMs, status, error, answer FROM attempts WHERE delivery = :id ORDER BY number',
  /** The next endpoint and its earliest delivery: one step in the index, however many an endpoint has. */
  nextEndpoint: `SELECT endpoint, workspace, nextAt FROM deliveries INDEXED BY deliveries_endpoint
    WHERE state = 'pending' AND endpoint > :endpoint ORDER BY endpoint, nextAt LIMIT 1`,
  nextDue: `SELECT nextAt FROM deliveries WHERE state = 'pending' AND nextAt >= 0 ORDER BY nextAt LIMIT 1`,
  claim: `UPDATE deliveries SET owner = :owner, nextAt = :until WHERE rowid IN (
    SELECT rowid FROM deliveries INDEXED BY deliveries_endpoint
      WHERE state = 'pending' AND endpoint = :endpoint AND nextAt <= :now ORDER BY nextAt LIMIT :limit
    ) RETURNING ${COLUMNS}`,
  noteAttempt: `INSERT INTO attempts (delivery, number, at, durationMs, status, error, answer)
    VALUES (:id, :number, :at, :durationMs, :status, :error, :answer)`,
  settle: `UPDATE deliveries SET state = :state, attempts = :number, tries = tries + 1, nextAt = :nextAt, owner = NULL,
    lastStatus = :status, lastError = :error, finishedAt = :finishedAt
    WHERE id = :id AND owner = :owner AND attempts = :attempts AND state = 'pending' RETURNING callback`,
  health: 'SELECT failingSince FROM callbacks WHERE id = :id',
  noteHealth: 'UPDATE callbacks SET failingSince = :failingSince WHERE id = :id',
  callback: 'SELECT 1 FROM callbacks WHERE id = :callback',
  again: `UPDATE deliveries SET state = 'pending', tries = 0, nextAt = :now, owner = NULL, finishedAt = NULL WHERE id = :id
    RETURNING ${COLUMNS}`,
  // All that is pending is looked at: it is done once, at a start.
  release: `UPDATE deliveries SET owner = NULL, nextAt = :now WHERE state = 'pending' AND nextAt >= 0 AND owner = :owner`,
  old: 'SELECT id, event FROM deliveries WHERE finishedAt < :finishedBefore ORDER BY finishedAt LIMIT :limit',
}
const record = decoder<DeliveryRecord>({})
const attemptRecord = decoder<AttemptRecord>({})

export function sqliteDeliveries(db: Database): Deliveries {
  function get(id: string): DeliveryRecord | undefined {
    const row = db.get(DELIVERIES_SQL.get, { id })
    return row && record(row)
  }

  /** Since when the callback fails, with this attempt. One that works and did so before is not written to. */
  function noteHealth(id: string | null, good: boolean): number | null {
    const before = id === null ? undefined : db.get(DELIVERIES_SQL.health, { id })
    const since = (before?.failingSince as number | null | undefined) ?? null
    if (!before || good === (since === null)) return since
    const failingSince = good ? null : db.now()
    db.run(DELIVERIES_SQL.noteHealth, { id, failingSince })
    return failingSince
  }

  return {
    get: async (id) => get(id),
    async list(workspace, { callback, state }, page) {
      const sql = callback === undefined ? DELIVERIES_SQL.list : DELIVERIES_SQL.listOfCallback
      return db.all(sql, { workspace, callback, state, ...pageValues(page) }).map(record)
    },
    attempts: async (id) => db.all(DELIVERIES_SQL.attempts, { id }).map(attemptRecord),
    async dueEndpoints(after, limit) {
      const due: { endpoint: string; workspace: string }[] = []
      const now = db.now()
      let endpoint = after
      while (due.length < limit) {
        const row = db.get(DELIVERIES_SQL.nextEndpoint, { endpoint })
        if (!row) return due
        endpoint = row.endpoint as string
        if (Number(row.nextAt) <= now) due.push({ endpoint, workspace: row.workspace as string })
      }
      return due
    },
    async nextDue() {
      const row = db.get(DELIVERIES_SQL.nextDue)
      return row && Number(row.nextAt)
    },
    claim: (endpoint, owner, leaseMs, limit) =>
      db.write(() => {
        const now = db.now()
        const claimed = db.all(DELIVERIES_SQL.claim, { endpoint, owner, now, until: now + leaseMs, limit }).map(record)
        return claimed.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
      }),
    // Patient: what is not noted yet after a crash is sent again under its id, as after a crash in mid-attempt.
    settle: ({ id, attempts }, owner, attempt, next) =>
      db.write(() => {
        const { status, error } = attempt
        const number = attempts + 1
        const nextAt = next.state === 'pending' ? next.nextAt : null
        const finishedAt = next.state === 'pending' ? null : db.now()
        const values = { id, owner, attempts, number, state: next.state, nextAt, status, error, finishedAt }
        const held = db.get(DELIVERIES_SQL.settle, values)
        if (!held) return false
        db.run(DELIVERIES_SQL.noteAttempt, { id, number, ...attempt })
        const good = next.state === 'delivered' || (next.state === 'failed' && next.blameless === true)
        return { failingSince: noteHealth(held.callback as string | null, good) }
      }, 'patient'),
    redeliver: (id) =>
      db.write(() => {
        const delivery = get(id)
        if (!delivery) return undefined
        if (delivery.callback !== null && !db.get(DELIVERIES_SQL.callback, { callback: delivery.callback }))
          return 'gone'
        return record(db.get(DELIVERIES_SQL.again, { id, now: db.now() })!)
      }),
    add: (delivery) =>
      db.write(() => {
        insertDeliveries(db, [delivery])
        return get(delivery.id)!
      }),
    releaseAllOf: (owner) => db.write(() => db.run(DELIVERIES_SQL.release, { owner, now: db.now() })),
    removeOlder: (finishedBefore, limit) =>
      db.write(() => removeDeliveries(db, db.all(DELIVERIES_SQL.old, { finishedBefore, limit }))),
  }
}
