import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../ports/store.ts'
import { first } from './migrations/001-first.ts'
import { keys } from './migrations/002-keys.ts'
import { callbacks } from './migrations/003-callbacks.ts'
import { workers } from './migrations/004-workers.ts'
import { deliveries } from './migrations/005-deliveries.ts'
import { answers } from './migrations/006-answers.ts'

/** In order, and never changed once released: version n is what the first n make. */
export const MIGRATIONS: readonly string[] = [first, keys, callbacks, workers, deliveries, answers]

/** "VERD", in the file's header: a SQLite database of ours and not of some other program (https://sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x56455244

/**
 * Brings the schema up to date, one transaction a version. Throws {@link StoreError} on a schema that is newer than
 * `migrations` or a file of another program, and changes nothing then. `file` is for messages.
 */
export function migrate(connection: DatabaseSync, file: string, migrations: readonly string[] = MIGRATIONS): void {
  const found = pragma(connection, 'user_version')
  const owner = pragma(connection, 'application_id')
  const tables = connection.prepare('SELECT name FROM sqlite_schema LIMIT 1').all().length
  if (owner !== APPLICATION_ID && (owner !== 0 || found !== 0 || tables !== 0)) {
    throw new StoreError(
      'unavailable',
      `${file} is a database of another program. Move it away, or give Verdict a data folder of its own (VERDICT_DATA_DIR).`,
    )
  }
  if (found > migrations.length) {
    throw new StoreError(
      'unavailable',
      `${file} has schema version ${found}, and this Verdict knows versions up to ${migrations.length}: ` +
        'a newer Verdict wrote it. Start that version again, or restore a backup made before the upgrade.',
    )
  }
  for (const [version, sql] of migrations.entries()) {
    if (version < found) continue
    connection.exec('BEGIN IMMEDIATE')
    try {
      connection.exec(sql)
      connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version + 1}; COMMIT`)
    } catch (error) {
      if (connection.isTransaction) connection.exec('ROLLBACK')
      throw error
    }
  }
}

function pragma(connection: DatabaseSync, name: string): number {
  return Number(connection.prepare(`PRAGMA ${name}`).get()?.[name])
}
