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
  'callback.disabled': 'workspace',
} as const satisfies Record<string, 'run' | 'workspace'>
export type EventType = keyof typeof EVENT_TYPES

/** What a callback that names no events is told of. */
export const DEFAULT_EVENTS: readonly EventType[] = [
  'run.finished',
  'suite.state_changed',
  'key.expiring',
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

export interface KeyExpiring {
  readonly key: { readonly id: string; readonly name: string; readonly user: string; readonly start: string }
  readonly expiresAt: string
  /** 30, 7 or 1: what is left at most. */
  readonly days: number
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
  | Event<'callback.disabled', CallbackDisabled>
  | Event<'test.ping', { readonly message: string }>
