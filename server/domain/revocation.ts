import { isDeepStrictEqual } from 'node:util'
import type { KeyLimits } from '../../contract/key-limits.ts'
import { ROLE_SCOPES, type Role, type Scope, SERVER_SCOPES } from '../../contract/scopes.ts'
import type { AccessTokenClaims } from '../../contract/tokens.ts'
import type { Clock } from '../clock.ts'
import type { AccessChange } from '../store/ports/revocations.ts'
import type { Store } from '../store/ports/store.ts'

/**
 * What this process knows of credentials that changed lately: enough to judge a token without a read of the store.
 * What counts is the recorded state, never a comparison of a token's `iat` with a time (wire 1).
 */
export interface Revocation {
  /** Reads what changed since the last look. Called at start, after each change made here, and by a poll with many nodes. */
  refresh(): Promise<void>
  /** Whether the last look is too long ago to know: with many nodes others revoke, too. */
  isStale(): boolean
  /** Why tokens of these claims are refused, in words; undefined when they are good. */
  refusal(claims: Pick<AccessTokenClaims, 'jti' | 'client_id' | 'sub' | 'workspace'>): string | undefined
  /** The scopes that are left of a token's: a role may have been lowered since. */
  remaining(claims: Pick<AccessTokenClaims, 'sub' | 'workspace'>, scopes: readonly Scope[]): Scope[]
  /**
   * From where and how often a token's key may be used, what it is called, and how many runs its user may start in a day. A
   * token carries what was so when it was made; what its key and user were changed to since then is remembered here. So no
   * call needs a read of the store.
   */
  bounds(
    claims: Pick<AccessTokenClaims, 'client_id' | 'sub' | 'allowed_ips' | 'limits' | 'key_name' | 'runs_per_day'>,
  ): {
    allowedIps: readonly string[] | null
    limits: KeyLimits | null
    keyName: string | undefined
    runsPerDay: number | null
  }
  /** Calls back after each refresh that brought something. The answer ends it. */
  onChange(listener: () => void): () => void
}

/** A write may become visible late, so each look goes back a little further than the last one. */
const LOOK_BACK_MS = 30_000

/**
 * `tokenTtlMs`: the longest life of a token; what changed before that concerns no living one. `staleAfterMs`: how old the
 * last look may be where other processes revoke, too; left out where this process does it all.
 */
export function revocationMemory(options: {
  store: Store
  clock: Clock
  tokenTtlMs: number
  staleAfterMs?: number | undefined
}): Revocation {
  const { store, clock, tokenTtlMs } = options
  const keys = new Map<string, Extract<AccessChange, { kind: 'key' }>>()
  const users = new Map<string, Extract<AccessChange, { kind: 'user' }>>()
  const memberships = new Map<string, Extract<AccessChange, { kind: 'membership' }>>()
  const workers = new Map<string, Extract<AccessChange, { kind: 'worker' }>>()
  const tokens = new Map<string, Extract<AccessChange, { kind: 'token' }>>()
  const listeners = new Set<() => void>()
  let readUpTo: number | undefined
  let lookedAt = Number.NEGATIVE_INFINITY

  /** Whether it was news: each look sees again what the one before saw. */
  function apply(change: AccessChange): boolean {
    const id = change.kind === 'membership' ? `${change.user}/${change.workspace}` : change.id
    const known = { key: keys, user: users, worker: workers, token: tokens, membership: memberships }[change.kind]
    // Not by time alone: two changes may share a millisecond.
    if (isDeepStrictEqual(known.get(id), change)) return false
    ;(known as Map<string, AccessChange>).set(id, change)
    return true
  }

  function forget(before: number): void {
    for (const map of [keys, users, memberships, workers] as Map<string, AccessChange>[]) {
      for (const [id, change] of map) if (change.changedAt < before) map.delete(id)
    }
    for (const [id, change] of tokens) if (change.expiresAt < before) tokens.delete(id)
  }

  const role = (user: string, workspace: string | undefined): Role | null | undefined =>
    memberships.get(`${user}/${workspace}`)?.role

  return {
    async refresh() {
      const begun = clock.monotonic()
      const now = await store.now()
      // A clock that was set back writes changes before the time of the last look.
      const since = readUpTo === undefined ? now - tokenTtlMs - LOOK_BACK_MS : Math.min(readUpTo, now) - LOOK_BACK_MS
      const changes = await store.revocations.changedSince(since)
      const news = changes.filter(apply)
      forget(now - 2 * tokenTtlMs - LOOK_BACK_MS)
      readUpTo = now
      lookedAt = Math.max(lookedAt, begun)
      if (news.length > 0) for (const listener of listeners) listener()
    },
    isStale: () => options.staleAfterMs !== undefined && clock.monotonic() - lookedAt > options.staleAfterMs,
    refusal(claims) {
      if (tokens.has(claims.jti)) return 'the token was revoked'
      if (workers.get(claims.sub)?.revoked) return 'the worker was removed'
      const key = keys.get(claims.client_id)
      if (key?.revoked) return 'its key was revoked'
      if (key?.expiresAt != null && key.expiresAt <= clock.now()) return 'its key expired'
      if (users.get(claims.sub)?.disabled) return 'its user was disabled'
      if (role(claims.sub, claims.workspace) === null) return 'its user left the workspace'
      return undefined
    },
    remaining(claims, scopes) {
      const now = role(claims.sub, claims.workspace)
      if (!now) return [...scopes]
      return scopes.filter((scope) => ROLE_SCOPES[now].includes(scope) || SERVER_SCOPES.includes(scope))
    },
    bounds(claims) {
      const key = keys.get(claims.client_id)
      const user = users.get(claims.sub)
      return {
        allowedIps: key ? key.allowedIps : (claims.allowed_ips ?? null),
        limits: key ? key.limits : (claims.limits ?? null),
        keyName: key?.name ?? claims.key_name,
        runsPerDay: user ? user.limits.runsPerDay : (claims.runs_per_day ?? null),
      }
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
