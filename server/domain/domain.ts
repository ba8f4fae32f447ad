import type { Me } from '../../contract/me.ts'
import type { Access } from './access.ts'
import type { Archives } from './archives.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { Callbacks } from './callbacks.ts'
import type { Caller } from './caller.ts'
import type { cancelRun } from './cancel.ts'
import type { Credentials } from './credentials.ts'
import type { Deliveries } from './deliveries.ts'
import type { Replays } from './idempotency.ts'
import type { Invitations } from './invitations.ts'
import type { Keys } from './keys.ts'
import type { Members } from './members.ts'
import type { Metering } from './metering.ts'
import type { Readiness } from './readiness.ts'
import type { RemoteWork } from './remote-work.ts'
import type { Revocation } from './revocation.ts'
import type { RunReader } from './run-reader.ts'
import type { RunResults } from './run-results.ts'
import type { Signing } from './signing.ts'
import type { SuiteSecrets } from './suite-secrets.ts'
import type { Suites } from './suites.ts'
import type { Tokens } from './tokens.ts'
import type { Trigger } from './trigger.ts'
import type { TriggerHooks } from './trigger-hooks.ts'
import type { Triggers } from './triggers.ts'
import type { usageReport } from './usage.ts'
import type { Users } from './users.ts'
import type { Waiting } from './waiting.ts'
import type { Workers } from './workers.ts'
import type { Workspaces } from './workspaces.ts'

/** Everything that routes call. */
export interface Domain {
  readonly access: Access
  readonly archives: Archives
  readonly callbacks: Callbacks
  readonly audit: AuditTrail
  readonly cancel: ReturnType<typeof cancelRun>
  readonly credentials: Credentials
  readonly deliveries: Deliveries
  readonly invitations: Invitations
  readonly keys: Keys
  readonly me: (caller: Caller) => Promise<Me>
  readonly members: Members
  readonly metering: Metering
  readonly readiness: () => Promise<Readiness>
  readonly reader: RunReader
  readonly replays: Replays
  readonly results: RunResults
  readonly revocation: Revocation
  readonly secrets: SuiteSecrets
  readonly signing: Signing
  readonly suites: Suites
  readonly tokens: Tokens
  readonly trigger: Trigger
  readonly triggerHooks: TriggerHooks
  readonly triggers: Triggers
  readonly usage: ReturnType<typeof usageReport>
  readonly users: Users
  readonly waiting: Waiting
  readonly workers: Workers
  readonly remoteWork: RemoteWork
  readonly workspaces: Workspaces
}
