import { createHash } from 'node:crypto'
import { isWellFormedApiKey } from '../../contract/api-key.ts'
import { isScope, ROLE_SCOPES, type Scope, SERVER_SCOPES } from '../../contract/scopes.ts'
import { ACCESS_TOKEN_TYPE, API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT, type TokenAnswer } from '../../contract/tokens.ts'
import type { KeyRecord } from '../store/ports/keys.ts'
import type { Store } from '../store/ports/store.ts'
import { OAuthProblem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import type { Signing } from './signing.ts'

/** Parameters of a form, each given once; repeated ones were refused before. */
export type Form = Readonly<Record<string, string | undefined>>

/** API keys to access tokens (RFC 8693), and both taken back (RFC 7009). */
export interface Tokens {
  /** The key that a token-exchange form shows; throws an {@link OAuthProblem} when it is none, or not good any more. */
  identify(form: Form): Promise<KeyRecord>
  /** The token for an identified key. */
  issue(key: KeyRecord, form: Form): Promise<TokenAnswer>
  /** Ends a key or an access token by showing it. Silent when it is unknown (RFC 7009 2.2). */
  revoke(form: Form): Promise<void>
}

export interface TokensOptions {
  readonly store: Store
  readonly signing: Signing
  readonly revocation: Revocation
  readonly issuer: string
  readonly ttlSeconds: number
  readonly now: () => number
  readonly randomId: () => string
  /** Told of every exchange, off the request's path. Must not reject. */
  readonly onUse: (key: KeyRecord) => void
}

const UNKNOWN_KEY =
  'The API key is not known here: malformed, mistyped, or of another server. Check the secret that holds it (VERDICT_API_KEY).'

export function keyDigest(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

export function tokenExchange(options: TokensOptions): Tokens {
  const { store, signing, revocation, now } = options

  return {
    async identify(form) {
      checkExchange(form)
      const shown = form.subject_token as string
      if (!isWellFormedApiKey(shown)) throw new OAuthProblem('invalid_request', UNKNOWN_KEY, { unverified: true })
      const key = await store.keys.findByDigest(keyDigest(shown))
      if (!key) throw new OAuthProblem('invalid_request', UNKNOWN_KEY, { unverified: true })
      refuseEnded(key, now())
      return key
    },

    async issue(key, form) {
      const membership = await store.memberships.get(key.user, key.workspace)
      const user = await store.users.get(key.user)
      if (!membership || !user || user.disabled) {
        throw new OAuthProblem(
          'invalid_request',
          `The API key "${key.name}" is of no use any more: its user ${user && !user.disabled ? 'left the workspace' : 'was disabled'}. Ask an owner of the workspace.`,
        )
      }
      const allowed = key.scopes.filter(
        (scope) => ROLE_SCOPES[membership.role].includes(scope) || (user.admin && SERVER_SCOPES.includes(scope)),
      )
      const scopes = narrow(allowed, form.scope, key)
      const seconds = Math.floor(now() / 1000)
      const keyEnd = key.expiresAt === null ? Number.POSITIVE_INFINITY : Math.floor(key.expiresAt / 1000)
      const expires = Math.min(seconds + options.ttlSeconds, keyEnd)
      const token = await signing.sign({
        iss: options.issuer,
        aud: `${options.issuer}/v1`,
        sub: key.user,
        client_id: key.id,
        workspace: key.workspace,
        jti: options.randomId(),
        iat: seconds,
        exp: expires,
        scope: scopes.join(' '),
        ...(key.suites === null ? {} : { suites: key.suites }),
      })
      options.onUse(key)
      return {
        access_token: token,
        issued_token_type: ACCESS_TOKEN_TYPE,
        token_type: 'Bearer',
        expires_in: expires - seconds,
        scope: scopes.join(' '),
        key_expires_at: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
      }
    },

    async revoke(form) {
      const token = form.token
      if (token === undefined)
        throw new OAuthProblem(
          'invalid_request',
          'The parameter token is missing: show the API key or access token to end.',
        )
      if (isWellFormedApiKey(token)) {
        const key = await store.keys.findByDigest(keyDigest(token))
        if (!key) return
        await store.keys.revoke(key.id)
      } else {
        const claims = await signing.verify(token).catch(() => undefined)
        if (!claims) return
        await store.revocations.revokeToken(claims.jti, claims.exp * 1000)
      }
      await revocation.refresh()
    },
  }
}

function checkExchange(form: Form): void {
  if (form.grant_type === undefined) throw new OAuthProblem('invalid_request', 'The parameter grant_type is missing.')
  if (form.grant_type !== TOKEN_EXCHANGE_GRANT) {
    throw new OAuthProblem('unsupported_grant_type', `Only grant_type=${TOKEN_EXCHANGE_GRANT} is supported.`)
  }
  if (form.actor_token !== undefined || form.actor_token_type !== undefined) {
    throw new OAuthProblem('invalid_request', 'actor_token is not supported: a key acts for its own user only.')
  }
  if (form.requested_token_type !== undefined && form.requested_token_type !== ACCESS_TOKEN_TYPE) {
    throw new OAuthProblem('invalid_request', `requested_token_type can only be ${ACCESS_TOKEN_TYPE}.`)
  }
  if (form.audience !== undefined || form.resource !== undefined) {
    throw new OAuthProblem(
      'invalid_target',
      'Tokens for other audiences are not supported by this version of the server yet.',
    )
  }
  if (form.subject_token === undefined) {
    throw new OAuthProblem('invalid_request', 'The parameter subject_token is missing: it holds the API key.')
  }
  if (form.subject_token_type !== API_KEY_TOKEN_TYPE) {
    throw new OAuthProblem('invalid_request', `subject_token_type must be ${API_KEY_TOKEN_TYPE}.`)
  }
}

/** The holder of the whole secret may know which key it is and what became of it. */
function refuseEnded(key: KeyRecord, now: number): void {
  const ended =
    key.revokedAt !== null
      ? `was revoked at ${new Date(key.revokedAt).toISOString()}`
      : key.expiresAt !== null && key.expiresAt <= now
        ? `expired at ${new Date(key.expiresAt).toISOString()}`
        : undefined
  if (ended === undefined) return
  throw new OAuthProblem(
    'invalid_request',
    `The API key "${key.name}" ${ended}. Make a new one (verdict keys create NAME) and store it where the old one was.`,
  )
}

/** RFC 6749 3.3: what was asked for must be there; a plain request gets what is allowed. */
function narrow(allowed: readonly Scope[], asked: string | undefined, key: KeyRecord): Scope[] {
  if (asked === undefined) return [...allowed]
  const wanted = asked.split(' ').filter((scope) => scope !== '')
  const missing = wanted.filter((scope) => !isScope(scope) || !allowed.includes(scope))
  if (missing.length > 0 || wanted.length === 0) {
    const what = missing.length > 0 ? missing.map((scope) => scope.slice(0, 50)).join(' ') : 'no scope at all'
    throw new OAuthProblem(
      'invalid_scope',
      `The API key "${key.name}" does not give ${what}. It gives: ${allowed.join(' ') || 'nothing'}.`,
    )
  }
  return allowed.filter((scope) => wanted.includes(scope))
}
