import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../ports/store.ts'
import { sqliteCode } from './errors.ts'

const BUSY = 5

/**
 * Takes the data folder for this process, until `release` is called or the process is gone, however it went: the lock is
 * the one that SQLite holds on an empty database `lock`, and the system gives it back. The file `pid` beside it is for
 * people. Throws {@link StoreError} when another process has the folder.
 */
export function lockFolder(folder: string): { release(): void } {
  const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
  const pidFile = join(folder, 'pid')
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (sqliteCode(error) !== BUSY) throw error
    throw new StoreError(
      'unavailable',
      `Data folder ${folder} is in use by another Verdict server${holder(pidFile)}. ` +
        'Stop that one first, or give this one a folder of its own (VERDICT_DATA_DIR).',
      { cause: error },
    )
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  return {
    release() {
      if (!lock.isOpen) return
      rmSync(pidFile, { force: true })
      lock.close()
    },
  }
}

function holder(pidFile: string): string {
  try {
    return ` (pid ${readFileSync(pidFile, 'utf8').trim()})`
  } catch {
    return ''
  }
}
