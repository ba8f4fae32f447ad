import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoOperationTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoWriteConcernError,
} from 'mongodb'
import { StoreError } from '../ports/store.ts'

const DUPLICATE = 11000

/** Error codes of the server (https://www.mongodb.com/docs/manual/reference/error-codes/) that tell of it, not of a mistake in our code. */
const OUTAGES: Readonly<Record<number, string>> = {
  6: 'it cannot be reached',
  7: 'its host is not found',
  11: 'the user is not known to it',
  13: 'the user may not do this (it needs the role readWrite on the database)',
  18: 'it refuses the user or the password',
  50: 'it took too long',
  64: 'a majority of its members did not confirm the write in time',
  89: 'it took too long',
  91: 'it is shutting down',
  133: 'it has no primary',
  134: 'a majority of its members did not answer in time',
  189: 'its primary stepped down',
  262: 'it took too long',
  317: 'it closed the connection',
  462: 'it does not take writes just now',
  9001: 'its connection broke',
  10058: 'it is busy',
  10107: 'its primary stepped down',
  11600: 'it is shutting down',
  11602: 'its primary stepped down',
  13435: 'it has no primary',
  13436: 'it is recovering',
}
/** OutOfDiskSpace, QuotaExceeded, and the quota of a hosted cluster. */
const FULL = new Set([14031, 12501, 8000])
/** Errors of the driver itself: it reached no server, or lost it. */
const DRIVER_OUTAGES = new Set([
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoClientClosedError',
  'MongoServerClosedError',
  'MongoPoolClosedError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoPoolClearedOnNetworkError',
  'MongoWaitQueueTimeoutError',
  'MongoExpiredSessionError',
  'MongoNetworkTimeoutError',
  'WaitQueueTimeoutError',
])

/** A connection that breaks while it is written to is told by the driver as Node's own error. */
const SOCKET_ERRORS = new Set<unknown>([
  ...['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND'],
  ...['EAI_AGAIN', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'ERR_STREAM_PREMATURE_CLOSE'],
])
const BROKEN = 'The store cannot be used: the connection to it broke (MongoDB).'

function isSocketError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && SOCKET_ERRORS.has(error.code)
}

/** Whether a unique index refused the write. Which one is asked of the data: `keyPattern` is not always there. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE
}

/** Which writes of a bulk a unique index refused, by their places in it; undefined when anything else was wrong with it. */
export function duplicatesOf(error: unknown): number[] | undefined {
  if (!(error instanceof MongoBulkWriteError)) return undefined
  const errors = [error.writeErrors].flat()
  const unconfirmed = error.result?.getWriteConcernError?.()
  if (errors.length === 0 || unconfirmed || errors.some(({ code }) => code !== DUPLICATE)) return undefined
  return errors.map(({ index }) => index)
}

/** Whether nothing but documents that are there already kept a bulk from being written. */
export const isOnlyDuplicates = (error: unknown): boolean => duplicatesOf(error) !== undefined

/** An outage becomes a {@link StoreError}; what is a mistake of ours stays as it is. Tells no address and no password. */
export function asStoreError(error: unknown): unknown {
  if (!(error instanceof MongoError)) {
    return isSocketError(error) ? new StoreError('unavailable', BROKEN, { cause: error }) : error
  }
  const code = typeof error.code === 'number' ? error.code : undefined
  if (code !== undefined && FULL.has(code)) {
    return new StoreError('full', 'The store cannot be used: there is no room left in it (MongoDB).', { cause: error })
  }
  const why = outage(error, code)
  return why === undefined
    ? error
    : new StoreError('unavailable', `The store cannot be used: ${why} (MongoDB${code ? `, code ${code}` : ''}).`, {
        cause: error,
      })
}

function outage(error: MongoError, code: number | undefined): string | undefined {
  if (error instanceof MongoServerSelectionError) {
    const inner = error.cause instanceof Error ? asStoreError(rootOf(error)) : undefined
    if (inner instanceof StoreError && inner.cause instanceof MongoServerError) return OUTAGES[Number(inner.cause.code)]
    return 'no server that takes writes was found in time'
  }
  if (code !== undefined && OUTAGES[code]) return OUTAGES[code]
  if (error instanceof MongoWriteConcernError) return OUTAGES[64]
  if (error instanceof MongoNetworkError) return 'the connection to it broke'
  if (error instanceof MongoOperationTimeoutError) return OUTAGES[50]
  if (DRIVER_OUTAGES.has(error.name)) return 'there is no connection to it'
  return error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('RetryableError')
    ? 'it could not do this just now'
    : undefined
}

/** What the driver last heard from a server while it looked for one: wrong credentials hide there. */
function rootOf(error: MongoServerSelectionError): unknown {
  for (const server of error.reason?.servers.values() ?? []) if (server.error) return server.error
  return error.cause
}

/** A port whose methods reject with {@link StoreError} where the driver tells of an outage. */
export function guarded<T extends object>(port: T): T {
  const methods = Object.entries(port).map(([name, method]) => [
    name,
    typeof method !== 'function'
      ? method
      : async (...args: unknown[]) => {
          try {
            return await method.apply(port, args)
          } catch (error) {
            throw asStoreError(error)
          }
        },
  ])
  return Object.fromEntries(methods)
}
