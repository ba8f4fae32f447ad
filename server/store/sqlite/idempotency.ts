import type { CompletedAnswer, Idempotency } from '../ports/idempotency.ts'
import { RESERVED_MS } from '../ports/times.ts'
import { type Database, decoder } from './database.ts'

export const IDEMPOTENCY_SQL = {
  get: `SELECT meaning, status, iif(bodyUntil > :now, sealedBody, NULL) AS sealedBody, secretOf, completedAt FROM idempotency
    WHERE workspace = :workspace AND caller = :caller AND key = :key AND expiresAt > :now`,
  reserve: `INSERT OR REPLACE INTO idempotency (workspace, caller, key, meaning, expiresAt)
    VALUES (:workspace, :caller, :key, :meaning, :expiresAt)`,
  complete: `UPDATE idempotency SET status = :status, sealedBody = :sealedBody, secretOf = :secretOf, completedAt = :now,
    bodyUntil = :bodyUntil, expiresAt = :expiresAt
    WHERE workspace = :workspace AND caller = :caller AND key = :key AND status IS NULL`,
  release: `DELETE FROM idempotency
    WHERE workspace = :workspace AND caller = :caller AND key = :key AND status IS NULL`,
  hasSecretOf: 'SELECT 1 FROM idempotency WHERE secretOf = :keyId AND sealedBody IS NOT NULL LIMIT 1',
  eraseSecretOf: 'UPDATE idempotency SET sealedBody = NULL WHERE secretOf = :keyId AND sealedBody IS NOT NULL',
  eraseBodies: `UPDATE idempotency SET sealedBody = NULL WHERE rowid IN
    (SELECT rowid FROM idempotency WHERE sealedBody IS NOT NULL AND bodyUntil <= :now ORDER BY bodyUntil LIMIT :limit)`,
  expire: `DELETE FROM idempotency WHERE rowid IN
    (SELECT rowid FROM idempotency WHERE expiresAt <= :now ORDER BY expiresAt LIMIT :limit)`,
}
const record = decoder<Omit<CompletedAnswer, 'status'> & { meaning: string; status: number | null }>({})

export function sqliteIdempotency(db: Database): Idempotency {
  return {
    reserve: (scope, meaning) =>
      db.write(() => {
        const now = db.now()
        const row = db.get(IDEMPOTENCY_SQL.get, { ...scope, now })
        if (!row) {
          db.run(IDEMPOTENCY_SQL.reserve, { ...scope, meaning, expiresAt: now + RESERVED_MS })
          return 'reserved'
        }
        const { meaning: taken, status, ...answer } = record(row)
        if (taken !== meaning) return 'reused'
        return status === null ? 'in_progress' : { status, ...answer }
      }),
    complete: (scope, answer, { answerMs, bodyMs }) =>
      db.write(() => {
        const now = db.now()
        const until = { now, bodyUntil: now + bodyMs, expiresAt: now + answerMs }
        db.run(IDEMPOTENCY_SQL.complete, { ...scope, ...answer, ...until })
      }),
    release: (scope) =>
      db.write(() => {
        db.run(IDEMPOTENCY_SQL.release, { ...scope })
      }),
    async eraseSecretOf(keyId) {
      // Asked at every exchange of a key: nearly always there is nothing to write.
      if (db.get(IDEMPOTENCY_SQL.hasSecretOf, { keyId })) {
        await db.write(() => db.run(IDEMPOTENCY_SQL.eraseSecretOf, { keyId }))
      }
    },
    expire: (limit) =>
      db.write(() => {
        const over = { now: db.now(), limit }
        return db.run(IDEMPOTENCY_SQL.expire, over) + db.run(IDEMPOTENCY_SQL.eraseBodies, over)
      }),
  }
}
