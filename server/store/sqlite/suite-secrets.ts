import type { SuiteSecretRecord, SuiteSecrets } from '../ports/suite-secrets.ts'
import { type Database, decoder } from './database.ts'

const COLUMNS = 'name, sealedValue, createdAt, updatedAt'
export const SUITE_SECRETS_SQL = {
  put: `INSERT INTO suite_secrets (workspace, suite, ${COLUMNS}) VALUES (:workspace, :suite, :name, :sealedValue, :now, :now)
    ON CONFLICT DO UPDATE SET sealedValue = excluded.sealedValue, updatedAt = excluded.updatedAt RETURNING ${COLUMNS}`,
  list: `SELECT ${COLUMNS} FROM suite_secrets WHERE workspace = :workspace AND suite = :suite ORDER BY name`,
  delete: 'DELETE FROM suite_secrets WHERE workspace = :workspace AND suite = :suite AND name = :name',
}
const record = decoder<SuiteSecretRecord>({})

export function sqliteSuiteSecrets(db: Database): SuiteSecrets {
  return {
    put: (workspace, suite, name, sealedValue) =>
      db.write(() => record(db.get(SUITE_SECRETS_SQL.put, { workspace, suite, name, sealedValue, now: db.now() })!)),
    list: async (workspace, suite) => db.all(SUITE_SECRETS_SQL.list, { workspace, suite }).map(record),
    delete: (workspace, suite, name) =>
      db.write(() => db.run(SUITE_SECRETS_SQL.delete, { workspace, suite, name }) > 0),
  }
}
