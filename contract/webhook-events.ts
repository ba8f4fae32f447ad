import type { Run } from './runs.ts'

/**
 * Every event that callbacks are told of. `run`: it is about one run, so filters by suite and branch apply. `workspace`:
 * it is about the workspace, and only callbacks without such filters get it.
 */
export const EVENT_TYPES = {
  'run.queued': 'run',
  'run.started': 'run',
  'run.finished': 'run',
  'suite.state_changed': 'run',
  'key.expiring': 'workspace',
  'key.revoked_by_holder': 'workspace',
  'callback.disabled': 'workspace',
} as const satisfies Record<string, 'run' | 'workspace'>
export type EventType = keyof typeof EVENT_TYPES

/** What a callback that names no events is told of. */
export const DEFAULT_EVENTS: readonly EventType[] = [
  'run.finished',
  'suite.state_changed',
  'key.expiring',
  'key.revoked_by_holder',
  'callback.disabled',
]

export function isEventType(text: string): text is EventType {
  return Object.hasOwn(EVENT_TYPES, text)
}

/** Payloads stay below this: Standard Webhooks asks for it, and many receivers take no more. */
export const EVENT_MAX_BYTES = 20_000

/**
 * A run as callbacks are told of it: with links to what is not in it, and without its variables. `truncated` when long
 * texts of others (reason, CI facts, labels) were cut to keep the payload small. Events may arrive in any order: the one
 * with the highest `version` is the latest.
 */
export type EventRun = Omit<Run, 'variables'> & {
  readonly casesUrl: string
  readonly junitUrl: string
  readonly truncated: boolean
}

/** A suite's verdict on a branch turned: the run that turned it. */
export interface SuiteStateChange {
  readonly suite: string
  readonly branch: string | null
  readonly from: 'passing' | 'failing'
  readonly to: 'passing' | 'failing'
  readonly run: EventRun
}

/** What is told of an API key: enough to find it, nothing to use it. `start` is the first characters of the secret. */
export interface EventKey {
  readonly id: string
  readonly name: string
  readonly user: string
  readonly start: string
}

export interface KeyExpiring {
  readonly key: EventKey
  readonly expiresAt: string
  /** 30, 7 or 1: what is left at most. */
  readonly days: number
}

/** Somebody who held the key ended it by `POST /oauth/revoke`: as a rule who found it where it should not be. */
export interface KeyRevokedByHolder {
  readonly key: EventKey
  readonly revokedAt: string
  /** The address that it was ended from. */
  readonly from: string | null
}

export interface CallbackDisabled {
  readonly callback: { readonly id: string; readonly kind: string; readonly description: string | null }
  readonly reason: string
}

interface Event<T extends string, D> {
  readonly type: T
  /** When it happened: ISO 8601, UTC. */
  readonly timestamp: string
  readonly data: D
}

/** The body of a callback (Standard Webhooks 1.0.0). `test.ping` is what `POST /v1/callbacks/{id}/test` sends. */
export type WebhookEvent =
  | Event<'run.queued' | 'run.started' | 'run.finished', EventRun>
  | Event<'suite.state_changed', SuiteStateChange>
  | Event<'key.expiring', KeyExpiring>
  | Event<'key.revoked_by_holder', KeyRevokedByHolder>
  | Event<'callback.disabled', CallbackDisabled>
  | Event<'test.ping', { readonly message: string }>
