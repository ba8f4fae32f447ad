import type { HeldKey, KeyRecord, Keys, NewKeyRecord } from '../ports/keys.ts'
import { KEY_SHOWN_MS, KEY_USED_EVERY_MS } from '../ports/times.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'
import { announce, listens } from './outbox.ts'

const COLUMNS = `id, user, workspace, name, description, scopes, suites, allowedIps, audiences, limits, replaces, endsReplaced,
  digest, "start", "end", createdAt, expiresAt, revokedAt, lastUsedAt, lastUsedFrom`
const SELECTED = `${COLUMNS}, (SELECT s.id FROM keys s WHERE s.replaces = keys.id) AS replacedBy`
const flag = (column: string) => `json(iif(${column}, 'true', 'false'))`
const HOLDER = `json_object('role', m.role, 'admin', ${flag('u.admin')}, 'disabled', ${flag('u.disabled')},
  'externalId', u.externalId, 'metadata', json(u.metadata), 'limits', json(u.limits))`
const SHOWN = 'coalesce(revokedAt, :shownSince) >= :shownSince AND coalesce(expiresAt, :shownSince) >= :shownSince'
export const KEYS_SQL = {
  // Those that may go on for ever apart from those that expire later: each is a range of the index.
  active: `SELECT (SELECT count(*) FROM keys WHERE user = :user AND revokedAt IS NULL AND expiresAt IS NULL)
    + (SELECT count(*) FROM keys WHERE user = :user AND revokedAt IS NULL AND expiresAt > :now) AS n`,
  insert: `INSERT INTO keys (${COLUMNS}, changedAt) VALUES (:id, :user, :workspace, :name, :description, :scopes, :suites,
    :allowedIps, :audiences, :limits, :replaces, :endsReplaced, :digest, :start, :end, :now, :expiresAt, NULL, NULL, NULL, :now)`,
  findByDigest: `SELECT ${SELECTED}, (SELECT ${HOLDER} FROM memberships m JOIN workspaces w ON w.id = m.workspace
      JOIN users u ON u.id = m.user WHERE m.user = keys.user AND m.workspace = keys.workspace AND m.role IS NOT NULL
      AND w.deletedAt IS NULL AND u.deletedAt IS NULL) AS holder FROM keys WHERE digest = :digest`,
  get: `SELECT ${SELECTED} FROM keys WHERE id = :id`,
  listOfUser: `SELECT ${SELECTED} FROM keys WHERE user = :user AND ${SHOWN} AND ${PAGE}`,
  listOfWorkspace: `SELECT ${SELECTED} FROM keys WHERE workspace = :workspace AND ${SHOWN} AND ${PAGE}`,
  listOfBoth: `SELECT ${SELECTED} FROM keys WHERE user = :user AND +workspace = :workspace AND ${SHOWN} AND ${PAGE}`,
  update: `UPDATE keys SET name = :name, description = :description, scopes = :scopes, suites = :suites,
    allowedIps = :allowedIps, audiences = :audiences, limits = :limits, expiresAt = :expiresAt, changedAt = :now
    WHERE id = :id`,
  end: 'UPDATE keys SET expiresAt = :endsAt, changedAt = :now WHERE id = :id',
  revoke: 'UPDATE keys SET revokedAt = :now, changedAt = :now WHERE id = :id AND revokedAt IS NULL',
  revokeAll: 'UPDATE keys SET revokedAt = :now, changedAt = :now WHERE user = :user AND revokedAt IS NULL',
  revokeAllOfWorkspace: `UPDATE keys SET revokedAt = :now, changedAt = :now WHERE user = :user AND revokedAt IS NULL
    AND +workspace = :workspace`,
  markUsed: 'UPDATE keys SET lastUsedAt = :now, lastUsedFrom = :address WHERE id = :id',
}
const JSON_COLUMNS = ['scopes', 'suites', 'allowedIps', 'audiences', 'limits'] as const
const record = decoder<KeyRecord>({ json: JSON_COLUMNS, flags: ['endsReplaced'] })
const heldRecord = decoder<HeldKey>({ json: [...JSON_COLUMNS, 'holder'], flags: ['endsReplaced'] })

export function sqliteKeys(db: Database): Keys {
  const find = (sql: string, values: object) => {
    const row = db.get(sql, { ...values })
    return row && record(row)
  }
  const insert = (key: NewKeyRecord, replacing: { replaces: string | null; endsReplaced: boolean }) => {
    db.run(KEYS_SQL.insert, { ...key, ...replacing, now: db.now() })
    return find(KEYS_SQL.get, key)!
  }
  const active = (user: string) => Number(db.get(KEYS_SQL.active, { user, now: db.now() })!.n)
  const isGood = (key: KeyRecord) => key.revokedAt === null && (key.expiresAt === null || key.expiresAt > db.now())
  const usedLately = (key: KeyRecord) =>
    key.lastUsedAt !== null && Math.abs(db.now() - key.lastUsedAt) < KEY_USED_EVERY_MS

  return {
    create: (key, maxActive) =>
      db.write(() => {
        const there = find(KEYS_SQL.get, key)
        if (there) return there
        if (active(key.user) >= maxActive) return 'too_many'
        return insert(key, { replaces: null, endsReplaced: false })
      }),
    rotate: (id, key, { endsAt, atFirstUse, maxActive }) =>
      db.write(() => {
        const old = find(KEYS_SQL.get, { id })
        if (old?.replacedBy) return 'replaced'
        if (!old || !isGood(old)) return 'ended'
        if (active(key.user) >= maxActive) return 'too_many'
        if (endsAt !== null && (old.expiresAt === null || old.expiresAt > endsAt)) {
          db.run(KEYS_SQL.end, { id, endsAt, now: db.now() })
        }
        return insert(key, { replaces: id, endsReplaced: atFirstUse })
      }),
    async endReplaced(id) {
      const key = find(KEYS_SQL.get, { id })
      if (!key?.endsReplaced || key.replaces === null) return undefined
      const { replaces } = key
      return db.write(() => {
        const old = find(KEYS_SQL.get, { id: replaces })
        if (!old || !isGood(old)) return undefined
        db.run(KEYS_SQL.end, { id: old.id, endsAt: db.now(), now: db.now() })
        return find(KEYS_SQL.get, old)
      })
    },
    async findByDigest(digest) {
      const row = db.get(KEYS_SQL.findByDigest, { digest })
      return row && heldRecord(row)
    },
    get: async (id) => find(KEYS_SQL.get, { id }),
    async list({ user, workspace }, page) {
      const sql = user === undefined ? 'listOfWorkspace' : workspace === undefined ? 'listOfUser' : 'listOfBoth'
      const values = { user, workspace, shownSince: db.now() - KEY_SHOWN_MS, ...pageValues(page) }
      return db.all(KEYS_SQL[sql], values).map(record)
    },
    update: (id, change) =>
      db.write(() => {
        const key = find(KEYS_SQL.get, { id })
        if (!key) return undefined
        db.run(KEYS_SQL.update, { ...key, ...change, now: db.now() })
        return find(KEYS_SQL.get, { id })
      }),
    revoke: (id) =>
      db.write(() => {
        db.run(KEYS_SQL.revoke, { id, now: db.now() })
        return find(KEYS_SQL.get, { id })
      }),
    revokeByHolder: (id, from) =>
      db.write(() => {
        const revokedAt = db.now()
        if (db.run(KEYS_SQL.revoke, { id, now: revokedAt }) === 0) return false
        const { workspace, name, user, start } = find(KEYS_SQL.get, { id })!
        const key = { id, name, user, start }
        const content = { type: 'key.revoked_by_holder' as const, key, revokedAt, from }
        if (listens(db, workspace)) announce(db, workspace, content, revokedAt)
        return true
      }),
    revokeAll: ({ user, workspace }) =>
      db.write(() => {
        const sql = workspace === undefined ? KEYS_SQL.revokeAll : KEYS_SQL.revokeAllOfWorkspace
        return db.run(sql, { user, workspace, now: db.now() })
      }),
    async markUsed(id, address) {
      const key = find(KEYS_SQL.get, { id })
      if (key && !usedLately(key)) await db.write(() => db.run(KEYS_SQL.markUsed, { id, address, now: db.now() }))
    },
  }
}
