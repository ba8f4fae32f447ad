import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../ports/store.ts'

/**
 * Writes the database as it is at one moment to a new file, durably, also while a server works with it: a reader of a
 * database in WAL mode holds up nobody. Free pages are left behind, and with them what was erased. Throws a {@link StoreError}.
 */
export async function copyDatabase(file: string, to: string): Promise<void> {
  if (!existsSync(file)) {
    throw new StoreError('unavailable', `There is no database ${file}. Is VERDICT_DATA_DIR that of the server?`)
  }
  try {
    const source = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
    try {
      source.prepare('VACUUM INTO ?').run(to)
    } finally {
      source.close()
    }
    const copy = new DatabaseSync(to, { readOnly: true })
    try {
      const [row] = copy.prepare('PRAGMA integrity_check(1)').all()
      if (row?.integrity_check !== 'ok') throw new Error(String(row?.integrity_check))
    } finally {
      copy.close()
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError('unavailable', `The database ${file} could not be copied to ${to}: ${why}.`, { cause })
  }
  const written = await open(to, 'r+')
  try {
    await written.chmod(0o600)
    await written.sync()
  } finally {
    await written.close()
  }
}
