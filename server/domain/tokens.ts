import { hash } from 'node:crypto'
import { isWellFormedApiKey } from '../../contract/api-key.ts'
import { ACCESS_TOKEN_TYPE, API_KEY_TOKEN_TYPE, type TokenAnswer } from '../../contract/tokens.ts'
import type { HeldKey, KeyHolder, KeyRecord } from '../store/ports/keys.ts'
import type { Store } from '../store/ports/store.ts'
import type { WorkerRecord } from '../store/ports/workers.ts'
import { notFrom } from './access.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { RequestFacts } from './caller.ts'
import { type ExchangeRequest, type Form, narrow, readExchange } from './exchange-form.ts'
import { scopesNow } from './key-grant.ts'
import { isWithin } from './networks.ts'
import type { SignIn, SignInTokens } from './oidc-exchange.ts'
import { OAuthProblem } from './problem.ts'
import type { Signing } from './signing.ts'
import { issueForWorker, refuseRemoved } from './worker-token.ts'

/** What an exchange shows, once it is known whose it is. */
export type Subject = (
  | { readonly kind: 'key'; readonly key: HeldKey }
  | { readonly kind: 'worker'; readonly worker: WorkerRecord }
  | ({ readonly kind: 'oidc' } & SignIn)
) & {
  readonly request: ExchangeRequest
}

/** API keys, keys of workers, and sign-ins at the operator's OIDC issuer, to access tokens (RFC 8693). */
export interface Tokens {
  /** Whose token-exchange form it is; throws an {@link OAuthProblem} when it shows nothing that is good. */
  identify(form: Form, from: RequestFacts): Promise<Subject>
  issue(subject: Subject, from: RequestFacts): Promise<TokenAnswer>
}

export interface TokensOptions {
  readonly store: Store
  readonly signing: Signing
  readonly audit: AuditTrail
  readonly issuer: string
  readonly ttlSeconds: number
  readonly now: () => number
  readonly randomId: () => string
  /** The operator's own APIs and the scopes of their tokens (VERDICT_AUDIENCES). */
  readonly audiences: Readonly<Record<string, readonly string[]>>
  /** Undefined: no OIDC issuer is configured. */
  readonly signIns: SignInTokens | undefined
  /** Told of every exchange of a key, off the request's path. Must not reject. */
  readonly onUse: (key: KeyRecord, address: string) => void
}

const UNKNOWN_KEY =
  'The API key is not known here: malformed, mistyped, or of another server. Check the secret that holds it (VERDICT_API_KEY).'

export function keyDigest(key: string): string {
  return hash('sha256', key, 'hex')
}

export function tokenExchange(options: TokensOptions): Tokens {
  const { store, signing, now, signIns } = options
  const types = [API_KEY_TOKEN_TYPE, ...(signIns?.types ?? [])]

  async function identifyKey(request: ExchangeRequest, from: RequestFacts): Promise<Subject> {
    const unknown = () => new OAuthProblem('invalid_request', UNKNOWN_KEY, { unverified: true, reason: 'unknown key' })
    if (!isWellFormedApiKey(request.token)) throw unknown()
    const key = await store.keys.findByDigest(keyDigest(request.token))
    if (!key) {
      const worker = await store.workers.findByDigest(keyDigest(request.token))
      if (!worker) throw unknown()
      refuseRemoved(worker)
      return { kind: 'worker', worker, request }
    }
    refuseEnded(key, now(), (reason) => usedAfterRotation(key, reason, from))
    if (key.allowedIps !== null && !isWithin(from.address, key.allowedIps))
      throw new OAuthProblem('invalid_request', notFrom(from.address), { reason: 'address not allowed', about: key })
    return { kind: 'key', key, request }
  }

  /** Its use is told and revokes nothing: somebody's pipeline may only have been forgotten. */
  function usedAfterRotation(key: KeyRecord, reason: string, from: RequestFacts): void {
    if (key.replacedBy === null) return
    options.audit.note({
      ...{ action: 'key.used_after_rotation', outcome: 'refused', workspace: key.workspace, user: key.user },
      ...{ credential: key.id, target: key.replacedBy, detail: { reason, successor: key.replacedBy } },
      ...from,
    })
  }

  async function issueForKey(key: HeldKey, request: ExchangeRequest, from: RequestFacts): Promise<TokenAnswer> {
    const { holder } = key
    if (holder === null || holder.disabled) {
      const why = holder === null ? 'left the workspace' : 'was disabled'
      throw new OAuthProblem(
        'invalid_request',
        `The API key "${key.name}" is of no use any more: its user ${why}. Ask an owner of the workspace.`,
        { reason: `its user ${why}`, about: key },
      )
    }
    const { audience } = request
    const allowed: readonly string[] = audience === undefined ? scopesNow(key, holder) : scopesOf(key, audience)
    const scope = narrow(allowed, request.scope, `The API key "${key.name}"`).join(' ')
    const iat = Math.floor(now() / 1000)
    const keyEnd = key.expiresAt === null ? Number.POSITIVE_INFINITY : Math.floor(key.expiresAt / 1000)
    const exp = Math.min(iat + options.ttlSeconds, keyEnd)
    const token = await signing.sign({
      iss: options.issuer,
      aud: audience ?? `${options.issuer}/v1`,
      sub: key.user,
      client_id: key.id,
      workspace: key.workspace,
      jti: options.randomId(),
      iat,
      exp,
      scope,
      ...(audience === undefined ? boundsOf(key, holder) : personOf(holder)),
    })
    options.onUse(key, from.address)
    const keyEnds = key.expiresAt === null ? null : new Date(key.expiresAt).toISOString()
    return {
      access_token: token,
      issued_token_type: ACCESS_TOKEN_TYPE,
      token_type: 'Bearer',
      expires_in: exp - iat,
      scope,
      key_expires_at: keyEnds,
    }
  }

  function scopesOf(key: KeyRecord, audience: string): readonly string[] {
    const scopes = Object.hasOwn(options.audiences, audience) ? options.audiences[audience] : undefined
    if (scopes && key.audiences?.includes(audience)) return scopes
    throw new OAuthProblem(
      'invalid_target',
      `The API key "${key.name}" gives no tokens for the audience that was asked for. It gives them for: ${key.audiences?.join(' ') || 'this server alone'}.`,
      { reason: 'audience not allowed', about: key },
    )
  }

  return {
    async identify(form, from) {
      const request = readExchange(form, types)
      if (request.type === API_KEY_TOKEN_TYPE) return identifyKey(request, from)
      const signIn = await (signIns as SignInTokens).verify(request, from)
      return { kind: 'oidc', ...signIn, request }
    },
    async issue(subject, from) {
      const { request } = subject
      if (subject.kind === 'key') return issueForKey(subject.key, request, from)
      if (subject.kind === 'worker') return issueForWorker(subject.worker, request, options)
      return (signIns as SignInTokens).issue(subject, request)
    },
  }
}

/** What a token for this server carries of its key, so that no call needs a read of the store. */
const boundsOf = ({ name, suites, allowedIps, limits }: KeyRecord, { limits: { runsPerDay } }: KeyHolder) => ({
  key_name: name,
  ...(runsPerDay !== null && { runs_per_day: runsPerDay }),
  ...(suites && { suites }),
  ...(allowedIps && { allowed_ips: allowedIps }),
  ...(limits && { limits }),
})

/** What a token for the operator's own APIs tells of the person. */
const personOf = ({ externalId, metadata }: KeyHolder) => ({
  ...(externalId !== null && { external_id: externalId }),
  metadata,
})

/** The holder of the whole secret may know which key it is and what became of it. */
function refuseEnded(key: KeyRecord, now: number, onExpired: (reason: string) => void): void {
  const at = (time: number) => new Date(time).toISOString()
  const expired = key.revokedAt === null && key.expiresAt !== null && key.expiresAt <= now
  const ended = expired
    ? `expired at ${at(key.expiresAt as number)}`
    : key.revokedAt !== null
      ? `was revoked at ${at(key.revokedAt)}`
      : undefined
  if (ended === undefined) return
  if (expired) onExpired(ended)
  const advice =
    expired && key.replacedBy !== null
      ? `It was replaced by the key ${key.replacedBy}: store that one where this one was.`
      : 'Make a new one (verdict keys create NAME) and store it where the old one was.'
  throw new OAuthProblem('invalid_request', `The API key "${key.name}" ${ended}. ${advice}`, {
    reason: ended,
    about: key,
  })
}
