import type { AuditEvent } from '../contract/audit.ts'
import type { Usage } from '../contract/usage.ts'
import type { Caller } from './call.ts'
import { type ListOptions, listing } from './listing.ts'

export interface AuditFilter {
  readonly user?: string
  readonly key?: string
  readonly action?: string
  /** ISO 8601. */
  readonly since?: string
  readonly until?: string
}

export interface UsageFilter {
  readonly user?: string
  readonly key?: string
  /** Days, as 2026-11-25. */
  readonly since?: string
  readonly until?: string
}

/** What was done, and how much; newest first. */
export interface Audit {
  events(filter?: AuditFilter, options?: ListOptions): AsyncGenerator<AuditEvent, void, undefined>
  usage(filter?: UsageFilter, options?: ListOptions): AsyncGenerator<Usage, void, undefined>
}

export function auditOf(caller: Caller): Audit {
  return {
    events: (filter = {}, options) => listing(caller, '/v1/audit', { ...filter }, options),
    usage: (filter = {}, options) => listing(caller, '/v1/usage', { ...filter }, options),
  }
}
