import { StoreError } from '../ports/store.ts'

/** Primary result codes of SQLite (https://sqlite.org/rescode.html) that tell of the machine, not of a mistake in our code. */
const OUTAGES: Readonly<Record<number, { code: StoreError['code']; what: string }>> = {
  3: { code: 'unavailable', what: 'its file may not be accessed' },
  5: { code: 'unavailable', what: 'it is locked by another process' },
  6: { code: 'unavailable', what: 'it is locked' },
  7: { code: 'unavailable', what: 'there is no memory left' },
  8: { code: 'unavailable', what: 'its file or folder is read-only' },
  9: { code: 'unavailable', what: 'it was interrupted' },
  10: { code: 'unavailable', what: 'its disk gave an error' },
  11: { code: 'unavailable', what: 'its file is damaged' },
  13: { code: 'full', what: 'there is no room left on its disk' },
  14: { code: 'unavailable', what: 'its file cannot be opened' },
  15: { code: 'unavailable', what: 'it is locked by another process' },
  22: { code: 'unavailable', what: 'its file is too large for this system' },
  26: { code: 'unavailable', what: 'its file is not a database' },
}

/** The primary result code of an error of node:sqlite, or undefined when it is none. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined
}

/** An outage becomes a {@link StoreError}; what is a mistake of ours (bad SQL, a broken constraint) stays as it is. */
export function asStoreError(error: unknown): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE') {
    return new StoreError('unavailable', 'The store is closed.', { cause: error })
  }
  const outage = OUTAGES[sqliteCode(error) ?? -1]
  if (!outage) return error
  const told = error instanceof Error ? error.message : ''
  return new StoreError(outage.code, `The store cannot be used: ${outage.what} (SQLite: ${told}).`, { cause: error })
}
