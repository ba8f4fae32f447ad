import type { AttemptRecord, Deliveries, DeliveryRecord } from '../ports/deliveries.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'
import { DeliveryClaims } from './delivery-claims.ts'
import { insertDeliveries } from './delivery-insert.ts'
import { removeDeliveries } from './delivery-removal.ts'

const COLUMNS = `id, workspace, endpoint, callback, url, event, type, run, suite, state, attempts, tries, nextAt, lastStatus,
  lastError, createdAt, finishedAt, (SELECT body FROM payloads WHERE payloads.id = payload) AS body`
/** Attempts that a delivery remembers: the last ones. */
const ATTEMPTS_KEPT = 200
const BY_STATE = '(:state IS NULL OR +state = :state)'
export const DELIVERIES_SQL = {
  get: `SELECT ${COLUMNS} FROM deliveries WHERE id = :id`,
  list: `SELECT ${COLUMNS} FROM deliveries WHERE workspace = :workspace AND ${BY_STATE} AND ${PAGE}`,
  listOfCallback: `SELECT ${COLUMNS} FROM deliveries WHERE callback = :callback AND +workspace = :workspace AND ${BY_STATE}
    AND ${PAGE}`,
  attempts: 'SELECT attempted FROM deliveries WHERE id = :id',
  /** The next endpoint and its earliest delivery: one step in the index, however many an endpoint has. */
  nextEndpoint: `SELECT endpoint, workspace, nextAt FROM deliveries INDEXED BY deliveries_endpoint
    WHERE state = 'pending' AND endpoint > :endpoint ORDER BY endpoint, nextAt LIMIT 1`,
  /** When the endpoint's earliest one but `:claimed` is due. */
  dueBesides: `SELECT nextAt FROM deliveries INDEXED BY deliveries_endpoint
    WHERE state = 'pending' AND endpoint = :endpoint ORDER BY nextAt LIMIT 1 OFFSET :claimed`,
  first: `SELECT id, nextAt FROM deliveries WHERE state = 'pending' AND nextAt >= 0 ORDER BY nextAt LIMIT :limit`,
  due: `SELECT id FROM deliveries INDEXED BY deliveries_endpoint
    WHERE state = 'pending' AND endpoint = :endpoint AND nextAt <= :now ORDER BY nextAt LIMIT :limit`,
  settle: `UPDATE deliveries SET state = :state, attempts = :number, tries = tries + 1, nextAt = :nextAt,
    lastStatus = :status, lastError = :error, finishedAt = :finishedAt,
    attempted = json_insert(CASE WHEN attempts < ${ATTEMPTS_KEPT} THEN attempted ELSE json_remove(attempted, '$[0]') END,
      '$[#]', json(:attempt))
    WHERE id = :id AND attempts = :attempts AND state = 'pending' RETURNING callback`,
  health: 'SELECT failingSince FROM callbacks WHERE id = :id',
  noteHealth: 'UPDATE callbacks SET failingSince = :failingSince WHERE id = :id',
  callback: 'SELECT 1 FROM callbacks WHERE id = :callback',
  again: `UPDATE deliveries SET state = 'pending', tries = 0, nextAt = :now, finishedAt = NULL WHERE id = :id
    RETURNING ${COLUMNS}`,
  old: 'SELECT id, event FROM deliveries WHERE finishedAt < :finishedBefore ORDER BY finishedAt LIMIT :limit',
}
const record = decoder<DeliveryRecord>({})

export function sqliteDeliveries(db: Database): Deliveries {
  const claims = new DeliveryClaims()

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
    async attempts(id) {
      const row = db.get(DELIVERIES_SQL.attempts, { id })
      return row ? (JSON.parse(row.attempted as string) as AttemptRecord[]) : []
    },
    async dueEndpoints(after, limit) {
      const due: { endpoint: string; workspace: string }[] = []
      const now = db.now()
      claims.expire(now)
      let endpoint = after
      while (due.length < limit) {
        const row = db.get(DELIVERIES_SQL.nextEndpoint, { endpoint })
        if (!row) return due
        endpoint = row.endpoint as string
        const claimed = claims.countOf(endpoint)
        const first = claimed === 0 ? row : db.get(DELIVERIES_SQL.dueBesides, { endpoint, claimed })
        if (first && Number(first.nextAt) <= now) due.push({ endpoint, workspace: row.workspace as string })
      }
      return due
    },
    async nextDue() {
      claims.expire(db.now())
      const first = db.all(DELIVERIES_SQL.first, { limit: claims.size + 1 })
      const free = first.find(({ id }) => !claims.has(id as string))
      return free && Number(free.nextAt)
    },
    async claim(endpoint, owner, leaseMs, limit) {
      const now = db.now()
      claims.expire(now)
      const due = db.all(DELIVERIES_SQL.due, { endpoint, now, limit: claims.countOf(endpoint) + limit })
      const free = due.map((row) => row.id as string).filter((id) => !claims.has(id))
      const claimed = free.slice(0, limit).map((id) => get(id)!)
      for (const { id } of claimed) claims.add(id, { endpoint, owner, until: now + leaseMs })
      return claimed.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
    },
    // Patient: what is not noted yet after a crash is sent again under its id, as after a crash in mid-attempt.
    settle: ({ id, attempts }, owner, attempt, next) =>
      db.write(() => {
        if ((claims.ownerOf(id) ?? owner) !== owner) return false
        claims.release(id)
        const { status, error } = attempt
        const number = attempts + 1
        const goesOn = next.state === 'pending'
        const held = db.get(DELIVERIES_SQL.settle, {
          ...{ id, attempts, number, state: next.state, status, error, attempt: { number, ...attempt } },
          ...{ nextAt: goesOn ? next.nextAt : null, finishedAt: goesOn ? null : db.now() },
        })
        if (!held) return false
        const good = next.state === 'delivered' || (next.state === 'failed' && next.blameless === true)
        return { failingSince: noteHealth(held.callback as string | null, good) }
      }, 'patient'),
    redeliver: (id) =>
      db.write(() => {
        const delivery = get(id)
        if (!delivery) return undefined
        if (delivery.callback !== null && !db.get(DELIVERIES_SQL.callback, { callback: delivery.callback }))
          return 'gone'
        claims.release(id)
        return record(db.get(DELIVERIES_SQL.again, { id, now: db.now() })!)
      }),
    add: (delivery) =>
      db.write(() => {
        insertDeliveries(db, [delivery])
        return get(delivery.id)!
      }),
    releaseAllOf: async (owner) => claims.releaseAllOf(owner),
    removeOlder: (finishedBefore, limit) =>
      db.write(() => removeDeliveries(db, db.all(DELIVERIES_SQL.old, { finishedBefore, limit }))),
  }
}
