import { accessSync, constants, existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../ports/store.ts'
import { asStoreError } from './errors.ts'
import { migrate } from './migrations.ts'

// Durable at every commit; one connection, so a lock can only be another program's (a backup) and is waited for a moment.
// secure_delete: what is erased leaves no trace in a page that is written anyway.
const SETTINGS = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -32000;
PRAGMA temp_store = MEMORY;
PRAGMA secure_delete = FAST;
`
const BUSY_TIMEOUT_MS = 1000

/**
 * The one connection to the file (`:memory:` for none), with the newest schema. Throws a {@link StoreError} when the file
 * is not Verdict's, is of a newer one, or cannot be written; it is left as it was then.
 */
export function openConnection(file: string): DatabaseSync {
  let connection: DatabaseSync | undefined
  try {
    // SQLite would open a file that it may not write, and fail at the first write.
    if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK)
    connection = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    // The schema before the settings: a file that is not ours stays as it is.
    migrate(connection, file)
    connection.exec(SETTINGS)
    return connection
  } catch (error) {
    connection?.close()
    if (error instanceof StoreError) throw error
    const outage = asStoreError(error)
    if (!(outage instanceof StoreError) && connection) throw error
    throw new StoreError(
      outage instanceof StoreError ? outage.code : 'unavailable',
      `${file} cannot be opened as Verdict's database (${error instanceof Error ? error.message : error}). Give the file ` +
        'to the user that runs Verdict, restore a backup, or name another folder (VERDICT_DATA_DIR).',
      { cause: error },
    )
  }
}
