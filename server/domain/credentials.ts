import { isWellFormedApiKey } from '../../contract/api-key.ts'
import { isId } from '../../contract/ids.ts'
import type { AccessTokenClaims } from '../../contract/tokens.ts'
import type { HeldKey } from '../store/ports/keys.ts'
import { type Store, StoreError } from '../store/ports/store.ts'
import type { WorkerRecord } from '../store/ports/workers.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { RequestFacts } from './caller.ts'
import type { Form } from './exchange-form.ts'
import { scopesNow } from './key-grant.ts'
import { isWithin } from './networks.ts'
import { OAuthProblem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import type { Signing } from './signing.ts'
import { keyDigest } from './tokens.ts'

/** RFC 7662 2.2. `active: false` stands alone: nothing is told of what is not good, nor why. */
export type Introspection = { active: false } | ({ active: true } & Record<string, unknown>)

/** Keys and access tokens, taken back and asked about by showing them. */
export interface Credentials {
  /** Ends a key or an access token by showing it (RFC 7009). Silent when it is unknown. */
  revoke(form: Form, from: RequestFacts): Promise<void>
  /** Whether a key or an access token is good now, and whose (RFC 7662). `client_ip`: where its holder came from. */
  introspect(form: Form): Promise<Introspection>
}

export interface CredentialsOptions {
  readonly store: Store
  readonly signing: Signing
  readonly revocation: Revocation
  readonly audit: AuditTrail
  readonly issuer: string
  readonly now: () => number
}

export function credentials(options: CredentialsOptions): Credentials {
  const { store, signing, revocation } = options
  const seconds = (ms: number) => Math.floor(ms / 1000)

  const claimsOf = (token: string) =>
    signing.verify(token, { anyAudience: true }).catch((error) => {
      if (error instanceof StoreError) throw error
      return undefined
    })

  function keyFacts(key: HeldKey): Introspection {
    const { holder } = key
    const over = key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= options.now())
    if (over || holder === null || holder.disabled) return { active: false }
    return {
      active: true,
      token_type: 'api_key',
      iss: options.issuer,
      sub: key.user,
      client_id: key.id,
      workspace: key.workspace,
      scope: scopesNow(key, holder).join(' '),
      iat: seconds(key.createdAt),
      ...(key.expiresAt === null ? {} : { exp: seconds(key.expiresAt) }),
      ...(key.audiences && { aud: key.audiences }),
      ...(key.suites && { suites: key.suites }),
      ...(key.allowedIps && { allowed_ips: key.allowedIps }),
      ...(holder.externalId !== null && { external_id: holder.externalId }),
      metadata: holder.metadata,
    }
  }

  async function revokeWorker(key: string, from: RequestFacts): Promise<void> {
    const worker = await store.workers.findByDigest(keyDigest(key))
    if (!worker || worker.revokedAt !== null) return
    await store.workers.revoke(worker.id)
    const { id, workspace } = worker
    const entry = { action: 'worker.deleted', outcome: 'done', detail: {} } as const
    await options.audit.record({ ...entry, workspace, user: id, credential: id, target: id, ...from })
    await revocation.refresh()
  }

  function workerFacts({ id, workspace, createdAt }: WorkerRecord): Introspection {
    return {
      active: true,
      token_type: 'api_key',
      iss: options.issuer,
      ...{ sub: id, client_id: id, scope: 'work', iat: seconds(createdAt) },
      ...(workspace !== null && { workspace }),
    }
  }

  async function tokenFacts(claims: AccessTokenClaims): Promise<Introspection> {
    if (revocation.refusal(claims) !== undefined) return { active: false }
    if (isId('worker', claims.sub)) return { active: true, token_type: 'Bearer', ...claims }
    const user = await store.users.get(claims.sub)
    if (!user || user.disabled) return { active: false }
    const { allowedIps } = revocation.bounds(claims)
    const { limits: _limits, allowed_ips: _ips, key_name: _name, runs_per_day: _runs, ...shown } = claims
    return {
      active: true,
      token_type: 'Bearer',
      ...shown,
      ...(allowedIps && { allowed_ips: allowedIps }),
      ...(user.externalId !== null && { external_id: user.externalId }),
      metadata: user.metadata,
    }
  }

  return {
    async revoke(form, from) {
      const token = form.token
      if (token === undefined)
        throw new OAuthProblem(
          'invalid_request',
          'The parameter token is missing: show the API key or access token to end.',
        )
      const done = { outcome: 'done', detail: {}, ...from } as const
      if (isWellFormedApiKey(token)) {
        const key = await store.keys.findByDigest(keyDigest(token))
        if (!key) return revokeWorker(token, from)
        if (!(await store.keys.revokeByHolder(key.id, from.address))) return
        const { workspace, user, id } = key
        await options.audit.record({
          action: 'key.revoked_by_holder',
          workspace,
          user,
          credential: id,
          target: id,
          ...done,
        })
      } else {
        const claims = await claimsOf(token)
        if (!claims) return
        await store.revocations.revokeToken(claims.jti, claims.exp * 1000)
        const { workspace = null, sub: user, client_id: credential, jti: target } = claims
        await options.audit.record({ action: 'token.revoked', workspace, user, credential, target, ...done })
      }
      await revocation.refresh()
    },

    async introspect(form) {
      const token = form.token
      if (token === undefined)
        throw new OAuthProblem(
          'invalid_request',
          'The parameter token is missing: the API key or access token asked about.',
        )
      const key = isWellFormedApiKey(token) ? await store.keys.findByDigest(keyDigest(token)) : undefined
      const claims = isWellFormedApiKey(token) ? undefined : await claimsOf(token)
      const worker = isWellFormedApiKey(token) && !key ? await store.workers.findByDigest(keyDigest(token)) : undefined
      if (worker) return worker.revokedAt === null ? workerFacts(worker) : { active: false }
      const facts = key ? keyFacts(key) : claims ? await tokenFacts(claims) : { active: false as const }
      const networks = facts.active ? (facts.allowed_ips as string[] | undefined) : undefined
      if (networks && form.client_ip !== undefined && !isWithin(form.client_ip, networks)) return { active: false }
      return facts
    },
  }
}
