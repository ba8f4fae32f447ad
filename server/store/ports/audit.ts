import type { AuditAction, AuditOutcome } from '../../../contract/audit-actions.ts'
import type { PageRequest } from './page.ts'

export interface AuditRecord {
  id: string
  createdAt: number
  action: AuditAction
  outcome: AuditOutcome
  /** Null: of the whole server. */
  workspace: string | null
  user: string | null
  credential: string | null
  address: string | null
  requestId: string | null
  target: string | null
  detail: Record<string, string>
}

export interface AuditFilter {
  workspace?: string
  user?: string
  credential?: string
  action?: AuditAction
  /** createdAt, inclusive and exclusive. */
  since?: number
  until?: number
}

/** What was done. Only added to; age alone removes. */
export interface Audit {
  append(events: readonly Omit<AuditRecord, 'createdAt'>[]): Promise<void>
  list(filter: AuditFilter, page: PageRequest): Promise<AuditRecord[]>
  /** Answers how many were removed. */
  removeOlder(createdBefore: number, limit: number): Promise<number>
}
