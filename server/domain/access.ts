import { isWellFormedApiKey } from '../../contract/api-key.ts'
import { isId } from '../../contract/ids.ts'
import { isScope, type Scope } from '../../contract/scopes.ts'
import { type AccessTokenClaims, OIDC_CLIENT_PREFIX } from '../../contract/tokens.ts'
import { StoreError } from '../store/ports/store.ts'
import type { Caller } from './caller.ts'
import { isWithin } from './networks.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import type { Signing } from './signing.ts'

/** Tells who a request comes from. */
export interface Access {
  /**
   * The caller of an `Authorization` header that came from that address. Throws `unauthorized` without a header,
   * `address_refused` when the key may not be used from there, `invalid_token` otherwise.
   */
  authenticate(authorization: string | undefined, address: string): Promise<Caller>
  /** Whether a caller's token is still good: asked again by what is open for long. */
  isStillGood(caller: Caller): boolean
  /** Calls back when the answer of {@link isStillGood} may have changed. The answer ends it. */
  onChange(listener: () => void): () => void
}

export function accessControl(options: { signing: Signing; revocation: Revocation; now: () => number }): Access {
  const { signing, revocation, now } = options

  async function verified(token: string): Promise<AccessTokenClaims> {
    try {
      return await signing.verify(token)
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      const expired = (cause as { code?: string }).code === 'ERR_JWT_EXPIRED'
      throw new Problem(
        'invalid_token',
        expired
          ? 'The access token has expired. Exchange the API key for a new one.'
          : 'The access token is not one of this server.',
        { cause, unverified: !expired },
      )
    }
  }

  return {
    async authenticate(authorization, address) {
      const token = bearer(authorization)
      if (isWellFormedApiKey(token)) {
        throw new Problem(
          'invalid_token',
          'This is an API key. Exchange it for an access token at POST /oauth/token, and send that.',
          { unverified: true },
        )
      }
      const claims = await verified(token)
      if (revocation.isStale()) {
        throw new Problem(
          'unavailable',
          'This node has not heard for over a second what was revoked, so it lets nobody in. Try again.',
          { retryAfter: 1 },
        )
      }
      const refusal = revocation.refusal(claims)
      if (refusal) throw new Problem('invalid_token', `The access token is not good any more: ${refusal}.`)
      const { allowedIps, limits, keyName, runsPerDay } = revocation.bounds(claims)
      if (allowedIps !== null && !isWithin(address, allowedIps)) throw new Problem('address_refused', notFrom(address))
      const scopes = claims.scope.split(' ').filter(isScope)
      return {
        user: claims.sub,
        workspace: claims.workspace ?? '',
        kind: kindOf(claims),
        key: claims.client_id,
        keyName: keyName ?? claims.client_id,
        runsPerDay,
        allowedIps,
        limits,
        address,
        scopes: new Set<Scope>(revocation.remaining(claims, scopes)),
        suites: claims.suites ?? null,
        tokenId: claims.jti,
        tokenExpiresAt: claims.exp * 1000,
      }
    },
    isStillGood(caller) {
      const { user: sub, key: client_id, workspace, tokenId: jti } = caller
      if (caller.tokenExpiresAt <= now() || revocation.refusal({ jti, client_id, sub, workspace })) return false
      const { allowedIps } = revocation.bounds({
        ...{ client_id, sub },
        ...(caller.allowedIps && { allowed_ips: [...caller.allowedIps] }),
      })
      return allowedIps === null || isWithin(caller.address, allowedIps)
    },
    onChange: (listener) => revocation.onChange(listener),
  }
}

function kindOf({ sub, client_id }: AccessTokenClaims): Caller['kind'] {
  if (isId('worker', sub)) return 'worker'
  return client_id.startsWith(OIDC_CLIENT_PREFIX) ? 'oidc' : 'key'
}

/** Says nothing of where the key may be used from: whoever reads this may have found it. */
export function notFrom(address: string): string {
  return `The API key may not be used from ${address}: its owner allows other addresses only (allowedIps).`
}

/** RFC 6750 2.1; the scheme's name is compared without regard to case (RFC 9110 11.1). */
function bearer(authorization: string | undefined): string {
  if (authorization === undefined)
    throw new Problem(
      'unauthorized',
      'Send an access token: Authorization: Bearer … (POST /oauth/token gives one for an API key).',
    )
  const match = /^Bearer +([^\s]+)$/i.exec(authorization)
  if (!match) throw new Problem('unauthorized', 'The Authorization header must be "Bearer" and an access token.')
  return match[1] as string
}
