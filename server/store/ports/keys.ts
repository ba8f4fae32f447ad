import type { KeyLimits } from '../../../contract/key-limits.ts'
import type { Role, Scope } from '../../../contract/scopes.ts'
import type { PageRequest } from './page.ts'
import type { UserRecord } from './users.ts'

export interface KeyRecord {
  id: string
  user: string
  workspace: string
  name: string
  description: string | null
  scopes: Scope[]
  /** Null: all suites. */
  suites: string[] | null
  /** Canonical networks; null: from anywhere. */
  allowedIps: string[] | null
  /** The operator's own APIs that it gives tokens for; null: none. */
  audiences: string[] | null
  limits: KeyLimits | null
  /** The key that this one was made for by a rotation. At most one key replaces another. */
  replaces: string | null
  /** Whether the key that it replaces ends at this one's first use. */
  endsReplaced: boolean
  replacedBy: string | null
  /** SHA-256 of the whole key, lower-case hex; unique. */
  digest: string
  start: string
  end: string
  createdAt: number
  expiresAt: number | null
  revokedAt: number | null
  lastUsedAt: number | null
  lastUsedFrom: string | null
}

/** What the user of a key is in its workspace now: no key gives more. */
export interface KeyHolder {
  role: Role
  admin: boolean
  disabled: boolean
  externalId: string | null
  metadata: Record<string, string>
  limits: UserRecord['limits']
}

/** A key with its holder, by one read. Null: the user is no member of its workspace any more. */
export interface HeldKey extends KeyRecord {
  holder: KeyHolder | null
}

/** What the maker of a key says of it. */
export type NewKeyRecord = Omit<
  KeyRecord,
  'createdAt' | 'revokedAt' | 'lastUsedAt' | 'lastUsedFrom' | 'replaces' | 'endsReplaced' | 'replacedBy'
>

export interface Keys {
  /**
   * `too_many` when the user already has `maxActive` keys that are neither revoked nor expired. Asked for again with the id
   * of a key that is there, it answers that one.
   */
  create(key: NewKeyRecord, maxActive: number): Promise<KeyRecord | 'too_many'>
  /**
   * Makes `key` as the one successor of `old`, which ends at `endsAt` if that is before its own end, and with `atFirstUse`
   * at the first use of `key`. `ended`: it is revoked or expired; `replaced`: it has a successor.
   */
  rotate(
    old: string,
    key: NewKeyRecord,
    options: { endsAt: number | null; atFirstUse: boolean; maxActive: number },
  ): Promise<KeyRecord | 'ended' | 'replaced' | 'too_many'>
  /** Ends the key that this one replaces, if that was to go on until now. Answers it when it was still good. */
  endReplaced(id: string): Promise<KeyRecord | undefined>
  findByDigest(digest: string): Promise<HeldKey | undefined>
  get(id: string): Promise<KeyRecord | undefined>
  /** By user, by workspace, or both; revoked and expired ones for 90 days. */
  list(filter: { user?: string; workspace?: string }, page: PageRequest): Promise<KeyRecord[]>
  update(
    id: string,
    change: Partial<
      Pick<
        KeyRecord,
        'name' | 'description' | 'scopes' | 'suites' | 'expiresAt' | 'allowedIps' | 'audiences' | 'limits'
      >
    >,
  ): Promise<KeyRecord | undefined>
  /** Sets `revokedAt` unless it is set, and is seen by {@link Revocations.changedSince}. */
  revoke(id: string): Promise<KeyRecord | undefined>
  /**
   * {@link revoke} by who showed the key itself, from that address: the workspace's callbacks are told of it
   * (`key.revoked_by_holder`), in the same step. False, and nothing told, when it was revoked before.
   */
  revokeByHolder(id: string, from: string | null): Promise<boolean>
  /** Revokes all keys of the user, or those for one workspace. Answers how many were good until now. */
  revokeAll(of: { user: string; workspace?: string }): Promise<number>
  /** Notes a use and where it came from, at most once a minute. */
  markUsed(id: string, address: string | null): Promise<void>
}
