import type { AccessChange, Revocations } from '../ports/revocations.ts'
import { type Database, decoder } from './database.ts'

export const REVOCATIONS_SQL = {
  revokeToken: `INSERT INTO revoked_tokens (id, expiresAt, changedAt) VALUES (:id, :expiresAt, :now) ON CONFLICT DO NOTHING`,
  forget: `DELETE FROM revoked_tokens WHERE id IN (SELECT id FROM revoked_tokens WHERE expiresAt <= :now LIMIT 100)`,
  keys: `SELECT 'key' AS kind, id, name, revokedAt IS NOT NULL AS revoked, expiresAt, allowedIps, limits, changedAt FROM keys WHERE changedAt >= :time`,
  users: `SELECT 'user' AS kind, id, disabled, limits, changedAt FROM users WHERE changedAt >= :time`,
  memberships: `SELECT 'membership' AS kind, user, workspace, role, changedAt FROM memberships WHERE changedAt >= :time`,
  workers: `SELECT 'worker' AS kind, id, revokedAt IS NOT NULL AS revoked, changedAt FROM workers WHERE changedAt >= :time`,
  tokens: `SELECT 'token' AS kind, id, expiresAt, changedAt FROM revoked_tokens WHERE changedAt >= :time AND +expiresAt > :now`,
}

type Change<K extends AccessChange['kind']> = Extract<AccessChange, { kind: K }>
const key = decoder<Change<'key'>>({ json: ['allowedIps', 'limits'], flags: ['revoked'] })
const user = decoder<Change<'user'>>({ json: ['limits'], flags: ['disabled'] })
const membership = decoder<Change<'membership'>>({})
const worker = decoder<Change<'worker'>>({ flags: ['revoked'] })
const token = decoder<Change<'token'>>({})

export function sqliteRevocations(db: Database): Revocations {
  return {
    revokeToken: (jti, expiresAt) =>
      db.write(() => {
        // A few of those that are over go with each new one: the table stays as small as the tokens' life is short.
        db.run(REVOCATIONS_SQL.forget, { now: db.now() })
        db.run(REVOCATIONS_SQL.revokeToken, { id: jti, expiresAt, now: db.now() })
      }),
    async changedSince(time) {
      const values = { time, now: db.now() }
      return [
        ...db.all(REVOCATIONS_SQL.keys, values).map(key),
        ...db.all(REVOCATIONS_SQL.users, values).map(user),
        ...db.all(REVOCATIONS_SQL.memberships, values).map(membership),
        ...db.all(REVOCATIONS_SQL.workers, values).map(worker),
        ...db.all(REVOCATIONS_SQL.tokens, values).map(token),
      ]
    },
  }
}
