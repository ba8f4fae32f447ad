import type { KeyRecord, Keys } from '../ports/keys.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'

/** How long a dead key is still listed. */
const SHOWN_MS = 90 * 24 * 3600_000
/** How exact `lastUsedAt` is. */
const USED_EVERY_MS = 60_000

const COLUMNS = `id, user, workspace, name, description, scopes, suites, digest, "start", "end", createdAt, expiresAt, revokedAt, lastUsedAt`
const SHOWN = 'coalesce(revokedAt, :shownSince) >= :shownSince AND coalesce(expiresAt, :shownSince) >= :shownSince'
export const KEYS_SQL = {
  // Those that may go on for ever apart from those that expire later: each is a range of the index.
  active: `SELECT (SELECT count(*) FROM keys WHERE user = :user AND revokedAt IS NULL AND expiresAt IS NULL)
    + (SELECT count(*) FROM keys WHERE user = :user AND revokedAt IS NULL AND expiresAt > :now) AS n`,
  insert: `INSERT INTO keys (${COLUMNS}, changedAt) VALUES (:id, :user, :workspace, :name, :description, :scopes, :suites,
    :digest, :start, :end, :now, :expiresAt, NULL, NULL, :now)`,
  findByDigest: `SELECT ${COLUMNS} FROM keys WHERE digest = :digest`,
  get: `SELECT ${COLUMNS} FROM keys WHERE id = :id`,
  listOfUser: `SELECT ${COLUMNS} FROM keys WHERE user = :user AND ${SHOWN} AND ${PAGE}`,
  listOfWorkspace: `SELECT ${COLUMNS} FROM keys WHERE workspace = :workspace AND ${SHOWN} AND ${PAGE}`,
  listOfBoth: `SELECT ${COLUMNS} FROM keys WHERE user = :user AND +workspace = :workspace AND ${SHOWN} AND ${PAGE}`,
  update: `UPDATE keys SET name = :name, description = :description, scopes = :scopes, suites = :suites,
    expiresAt = :expiresAt, changedAt = :now WHERE id = :id`,
  revoke: 'UPDATE keys SET revokedAt = :now, changedAt = :now WHERE id = :id AND revokedAt IS NULL',
  markUsed: 'UPDATE keys SET lastUsedAt = :now WHERE id = :id',
}
const record = decoder<KeyRecord>({ json: ['scopes', 'suites'] })

export function sqliteKeys(db: Database): Keys {
  const find = (sql: string, values: object) => {
    const row = db.get(sql, { ...values })
    return row && record(row)
  }
  const usedLately = (key: KeyRecord) => key.lastUsedAt !== null && Math.abs(db.now() - key.lastUsedAt) < USED_EVERY_MS

  return {
    create: (key, maxActive) =>
      db.write(() => {
        const values = { ...key, now: db.now() }
        if (Number(db.get(KEYS_SQL.active, values)!.n) >= maxActive) return 'too_many'
        db.run(KEYS_SQL.insert, values)
        return find(KEYS_SQL.get, key)!
      }),
    findByDigest: async (digest) => find(KEYS_SQL.findByDigest, { digest }),
    get: async (id) => find(KEYS_SQL.get, { id }),
    async list({ user, workspace }, page) {
      const sql = user === undefined ? 'listOfWorkspace' : workspace === undefined ? 'listOfUser' : 'listOfBoth'
      const values = { user, workspace, shownSince: db.now() - SHOWN_MS, ...pageValues(page) }
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
    async markUsed(id) {
      const key = find(KEYS_SQL.get, { id })
      if (key && !usedLately(key)) await db.write(() => db.run(KEYS_SQL.markUsed, { id, now: db.now() }))
    },
  }
}
