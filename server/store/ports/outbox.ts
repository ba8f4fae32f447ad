import type { EventType } from '../../../contract/webhook-events.ts'
import type { DeliveryRecord } from './deliveries.ts'
import type { KeyRecord } from './keys.ts'
import type { RunRecord } from './runs.ts'

/** A run as it was at the moment of the event. */
export type RunSnapshot = Omit<RunRecord, 'definition' | 'sealedSecrets' | 'variables' | 'cancelReason'>

export type KeySnapshot = Pick<KeyRecord, 'id' | 'name' | 'user' | 'start'>

export type OutboxContent =
  | { type: 'run.queued' | 'run.started' | 'run.finished'; run: RunSnapshot }
  | { type: 'suite.state_changed'; run: RunSnapshot; from: SuiteVerdict; to: SuiteVerdict }
  | { type: 'key.expiring'; key: KeySnapshot; expiresAt: number; days: number }
  | { type: 'key.revoked_by_holder'; key: KeySnapshot; revokedAt: number; from: string | null }
  | { type: 'callback.disabled'; callback: { id: string; kind: string; description: string | null }; reason: string }
export type SuiteVerdict = 'passing' | 'failing'

/** What happened, written in the transaction in which it happened, and not yet made into deliveries. */
export interface OutboxEvent {
  seq: number
  workspace: string
  at: number
  content: OutboxContent & { type: EventType }
}

export type NewDelivery = Pick<
  DeliveryRecord,
  'id' | 'workspace' | 'endpoint' | 'callback' | 'url' | 'event' | 'type' | 'run' | 'suite' | 'body'
>

/**
 * Events of runs get in by themselves: where the workspace has an active callback, and the end of a run that has a
 * `callbackUrl`. So does a suite's turn from passing to failing and back on a branch (by the newest run that says either;
 * a run that was cancelled or failed by the service's fault says nothing).
 */
export interface Outbox {
  /** The oldest ones. */
  take(limit: number): Promise<OutboxEvent[]>
  /** Makes the event into deliveries, due at once. False, and nothing done, when somebody else did so before. */
  spread(seq: number, deliveries: readonly NewDelivery[]): Promise<boolean>
  /**
   * Announces keys that end within that many days, once for each number: where the workspace has an active callback, and
   * the key was made longer before. Answers how many.
   */
  announceExpiring(days: readonly number[], limit: number): Promise<number>
  /** Forgets how suites stood on branches that no run has said anything of since then. */
  forgetSuiteStates(before: number, limit: number): Promise<number>
}
