import type { Archives } from './archives.ts'
import type { Artifacts } from './artifacts.ts'
import type { Cases } from './cases.ts'
import type { Idempotency } from './idempotency.ts'
import type { Installation } from './installation.ts'
import type { Keys } from './keys.ts'
import type { Memberships } from './memberships.ts'
import type { Queue } from './queue.ts'
import type { Revocations } from './revocations.ts'
import type { RunLog } from './run-log.ts'
import type { Runs } from './runs.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { SuiteSecrets } from './suite-secrets.ts'
import type { Suites } from './suites.ts'
import type { Users } from './users.ts'

/**
 * Everything that is kept, a small port a noun. Absence is `undefined`, a conflict is a returned value, and whatever
 * rejects is an outage: a {@link StoreError}. Every operation is atomic by itself. Times are milliseconds since 1970 by the
 * store's own clock. All adapters pass `test/contract/store.contract.ts`.
 */
export interface Store {
  readonly archives: Archives
  readonly artifacts: Artifacts
  readonly cases: Cases
  readonly idempotency: Idempotency
  readonly installation: Installation
  readonly keys: Keys
  readonly memberships: Memberships
  readonly queue: Queue
  readonly revocations: Revocations
  readonly runLog: RunLog
  readonly runs: Runs
  readonly signingKeys: SigningKeys
  readonly suiteSecrets: SuiteSecrets
  readonly suites: Suites
  readonly users: Users
  /** Resolves when the store can write. */
  ping(): Promise<void>
  /** The store's time. */
  now(): Promise<number>
  close(): Promise<void>
}

/** The store is away (`unavailable`) or has no room (`full`): the request may be repeated later, nothing was half written. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: 'unavailable' | 'full'
  constructor(code: StoreError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
