import type { SigningKeyRecord, SigningKeys } from '../ports/signing-keys.ts'
import { type Database, decoder } from './database.ts'

const COLUMNS = 'id, algorithm, publicKey, sealedPrivateKey, createdAt, activeAt, retiredAt'
export const SIGNING_KEYS_SQL = {
  list: `SELECT ${COLUMNS} FROM signing_keys ORDER BY createdAt DESC, id DESC`,
  add: `INSERT INTO signing_keys (${COLUMNS}) VALUES (:id, :algorithm, :publicKey, :sealedPrivateKey, :createdAt, :activeAt, NULL)`,
  retireOthers: 'UPDATE signing_keys SET retiredAt = :now WHERE id <> :id AND retiredAt IS NULL',
  remove: 'DELETE FROM signing_keys WHERE id = :id',
}
const record = decoder<SigningKeyRecord>({})

export function sqliteSigningKeys(db: Database): SigningKeys {
  return {
    list: async () => db.all(SIGNING_KEYS_SQL.list).map(record),
    add: (key) =>
      db.write(() => {
        const made = { ...key, createdAt: db.now(), retiredAt: null }
        db.run(SIGNING_KEYS_SQL.add, made)
        return made
      }),
    retireOthers: (id) =>
      db.write(() => {
        db.run(SIGNING_KEYS_SQL.retireOthers, { id, now: db.now() })
      }),
    remove: (id) =>
      db.write(() => {
        db.run(SIGNING_KEYS_SQL.remove, { id })
      }),
  }
}
