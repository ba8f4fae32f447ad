import type { KeyLimits } from '../../contract/key-limits.ts'
import type { Scope } from '../../contract/scopes.ts'
import { Problem } from './problem.ts'

/** Where a request comes from, as the audit log has it. */
export interface RequestFacts {
  readonly address: string
  readonly requestId: string
}

/** Who sends a request, as its access token says. */
export interface Caller {
  readonly user: string
  /** Empty for a shared worker, which is of none. */
  readonly workspace: string
  /**
   * What the token was made for: an API key of the user, the user's own sign-in at the operator's OIDC issuer, or the key of
   * a worker, which is its own user.
   */
  readonly kind: 'key' | 'oidc' | 'worker'
  /** The API key or worker that was exchanged for the token; of a signed-in person `oidc:` and their client. */
  readonly key: string
  /** What people call it; of who has no key, the same as `key`. */
  readonly keyName: string
  /** How many runs the user may start in a day (UTC); null: as many as they like. */
  readonly runsPerDay: number | null
  readonly scopes: ReadonlySet<Scope>
  /** Null: every suite of the workspace. */
  readonly suites: readonly string[] | null
  readonly allowedIps: readonly string[] | null
  readonly limits: KeyLimits | null
  /** Where the request comes from; behind a trusted proxy, what that says. */
  readonly address: string
  readonly tokenId: string
  /** Milliseconds since 1970. */
  readonly tokenExpiresAt: number
}

/** The one thing that a credential is told apart by: what limits count by and secret-bearing answers are repeated to. */
export function credentialOf(caller: Pick<Caller, 'kind' | 'key' | 'user'>): string {
  return caller.kind === 'oidc' ? `${caller.key}/${caller.user}` : caller.key
}

/** Throws `insufficient_scope` unless the caller has one of the scopes. */
export function requireScope(caller: Caller, ...anyOf: Scope[]): void {
  if (anyOf.some((scope) => caller.scopes.has(scope))) return
  const make = anyOf.includes('work')
    ? 'worker: verdict workers create NAME'
    : `key with that scope: verdict keys create NAME --scopes ${anyOf[0]}`
  throw new Problem(
    'insufficient_scope',
    `This needs the scope ${anyOf.join(' or ')}; the token has ${[...caller.scopes].join(' ') || 'none'}. Make a ${make}`,
  )
}

/** Whether the caller's key may be used for that suite. */
export function mayUseSuite(caller: Caller, suite: string): boolean {
  return caller.suites === null || caller.suites.includes(suite)
}

/** Throws `suite_not_allowed` when the caller's key is limited to other suites. */
export function requireSuite(caller: Caller, suite: string): void {
  if (mayUseSuite(caller, suite)) return
  throw new Problem(
    'suite_not_allowed',
    `The key is limited to ${caller.suites?.join(', ')} and may not be used for the suite ${suite}.`,
  )
}
