import type { Scope } from '../../contract/scopes.ts'
import { Problem } from './problem.ts'

/** Who sends a request, as its access token says. */
export interface Caller {
  readonly user: string
  readonly workspace: string
  /** The API key that was exchanged for the token. */
  readonly key: string
  readonly scopes: ReadonlySet<Scope>
  /** Null: every suite of the workspace. */
  readonly suites: readonly string[] | null
  readonly tokenId: string
  /** Milliseconds since 1970. */
  readonly tokenExpiresAt: number
}

/** Throws `insufficient_scope` unless the caller has one of the scopes. */
export function requireScope(caller: Caller, ...anyOf: Scope[]): void {
  if (anyOf.some((scope) => caller.scopes.has(scope))) return
  throw new Problem(
    'insufficient_scope',
    `This needs the scope ${anyOf.join(' or ')}; the token has ${[...caller.scopes].join(' ') || 'none'}. Make a key with that scope: verdict keys create NAME --scopes ${anyOf[0]}`,
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
