import type { Archives } from './archives.ts'
import type { Artifacts } from './artifacts.ts'
import type { Audit } from './audit.ts'
import type { Callbacks } from './callbacks.ts'
import type { Cases } from './cases.ts'
import type { Deliveries } from './deliveries.ts'
import type { Idempotency } from './idempotency.ts'
import type { Installation } from './installation.ts'
import type { Invitations } from './invitations.ts'
import type { Keys } from './keys.ts'
import type { Leases } from './leases.ts'
import type { Memberships } from './memberships.ts'
import type { Outbox } from './outbox.ts'
import type { Queue } from './queue.ts'
import type { Revocations } from './revocations.ts'
import type { RunLog } from './run-log.ts'
import type { Runs } from './runs.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { SuiteSecrets } from './suite-secrets.ts'
import type { Suites } from './suites.ts'
import type { Triggers } from './triggers.ts'
import type { Usage } from './usage.ts'
import type { Users } from './users.ts'
import type { Workers } from './workers.ts'
import type { Workspaces } from './workspaces.ts'

/**
 * Everything that is kept, a small port a noun. Absence is `undefined`, a conflict is a returned value, and whatever
 * rejects is an outage: a {@link StoreError}. Every operation is atomic by itself. Times are milliseconds since 1970 by the
 * store's own clock. All adapters pass `test/contract/store.contract.ts`.
 */
export interface Store {
  readonly archives: Archives
  readonly artifacts: Artifacts
  readonly audit: Audit
  readonly callbacks: Callbacks
  readonly cases: Cases
  readonly deliveries: Deliveries
  readonly idempotency: Idempotency
  readonly installation: Installation
  readonly invitations: Invitations
  readonly keys: Keys
  readonly leases: Leases
  readonly memberships: Memberships
  readonly outbox: Outbox
  readonly queue: Queue
  readonly revocations: Revocations
  readonly runLog: RunLog
  readonly runs: Runs
  readonly signingKeys: SigningKeys
  readonly suiteSecrets: SuiteSecrets
  readonly suites: Suites
  readonly triggers: Triggers
  readonly usage: Usage
  readonly users: Users
  readonly workers: Workers
  readonly workspaces: Workspaces
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
