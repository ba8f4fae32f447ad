import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** A start that cannot go on; the message says what to do. */
export class WorkerStartError extends Error {
  override readonly name = 'WorkerStartError'
}

/**
 * Takes the worker's folder for this process: another worker there would remove the folders of this one's runs as left-overs.
 * The lock is the one that SQLite holds on an empty database, so the system gives it back however the process ends.
 */
export function lockWorkerFolder(folder: string): { release(): void } {
  let lock: DatabaseSync | undefined
  try {
    // Every user may pass through, so that a run's own user reaches its folder.
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    lock?.close()
    const why = lock ? 'is in use by another worker' : `cannot be used (${(cause as Error).message})`
    throw new WorkerStartError(
      `The folder ${folder} ${why}. Give this worker one of its own that it may write to (VERDICT_DATA_DIR).`,
      { cause },
    )
  }
  const held = lock
  return { release: () => held.close() }
}
