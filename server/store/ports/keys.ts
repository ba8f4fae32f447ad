import type { Scope } from '../../../contract/scopes.ts'
import type { PageRequest } from './page.ts'

export interface KeyRecord {
  id: string
  user: string
  workspace: string
  name: string
  description: string | null
  scopes: Scope[]
  /** Null: all suites. */
  suites: string[] | null
  /** SHA-256 of the whole key, lower-case hex; unique. */
  digest: string
  start: string
  end: string
  createdAt: number
  expiresAt: number | null
  revokedAt: number | null
  lastUsedAt: number | null
}

export interface Keys {
  /** `too_many` when the user already has `maxActive` keys that are neither revoked nor expired. */
  create(
    key: Omit<KeyRecord, 'createdAt' | 'revokedAt' | 'lastUsedAt'>,
    maxActive: number,
  ): Promise<KeyRecord | 'too_many'>
  findByDigest(digest: string): Promise<KeyRecord | undefined>
  get(id: string): Promise<KeyRecord | undefined>
  /** By user, by workspace, or both; revoked and expired ones for 90 days. */
  list(filter: { user?: string; workspace?: string }, page: PageRequest): Promise<KeyRecord[]>
  update(
    id: string,
    change: Partial<Pick<KeyRecord, 'name' | 'description' | 'scopes' | 'suites' | 'expiresAt'>>,
  ): Promise<KeyRecord | undefined>
  /** Sets `revokedAt` unless it is set, and is seen by {@link Revocations.changedSince}. */
  revoke(id: string): Promise<KeyRecord | undefined>
  /** Notes a use, at most once a minute. */
  markUsed(id: string): Promise<void>
}
