import { type JWTPayload, jwtVerify, type ProtectedHeaderParameters } from 'jose'
import type { Scope } from '../../contract/scopes.ts'
import { ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, OIDC_CLIENT_PREFIX, type TokenAnswer } from '../../contract/tokens.ts'
import type { Store } from '../store/ports/store.ts'
import type { UserRecord } from '../store/ports/users.ts'
import type { RequestFacts } from './caller.ts'
import { requireCompactJwt } from './compact-jwt.ts'
import { type ExchangeRequest, narrow } from './exchange-form.ts'
import { type IssuerKeys, OIDC_ALGORITHMS } from './oidc-issuer.ts'
import { OAuthProblem } from './problem.ts'
import type { Signing } from './signing.ts'

/** A person who signed in at the operator's own issuer. */
export interface SignIn {
  readonly user: UserRecord
  /** `oidc:` and the client that the person used. */
  readonly client: string
  /** When their OIDC token ends, seconds since 1970. */
  readonly expires: number
}

/** OIDC tokens of signed-in people to tokens that manage their own keys and nothing else. */
export interface SignInTokens {
  readonly types: readonly string[]
  /** Whose token it is. Every refusal has one text outside; `reason` is for the audit log. */
  verify(request: ExchangeRequest, from: RequestFacts): Promise<SignIn>
  issue(signIn: SignIn, request: ExchangeRequest): Promise<TokenAnswer>
}

export interface SignInOptions {
  readonly store: Store
  readonly signing: Signing
  readonly keys: IssuerKeys
  /** VERDICT_OIDC_ISSUER. */
  readonly oidcIssuer: string
  /** VERDICT_OIDC_ACCEPTED_AUDIENCES. */
  readonly accepted: readonly string[]
  /** Makes a user of a person who is not known yet; undefined: only known people are let in. */
  readonly createUser:
    | ((person: { externalId: string; email?: string; name?: string }, from: RequestFacts) => Promise<UserRecord>)
    | undefined
  readonly issuer: string
  readonly ttlSeconds: number
  readonly now: () => number
  readonly randomId: () => string
}

/** Every role gives these. */
const SCOPES: readonly Scope[] = ['keys:read', 'keys:write']
const TOKEN_MAX_LENGTH = 16_384
/** A sign-in that is older says nothing of who sits there now; a token that is made to live longer is no sign-in. */
const AGE_MAX_SECONDS = 86_400
const SKEW_SECONDS = 30
const REFUSED =
  'The OIDC token is not taken here. Sign in again; if that does not help, ask the operator, whose audit log says why.'

export function signInTokens(options: SignInOptions): SignInTokens {
  const { store, now, accepted } = options

  async function claimsOf(request: ExchangeRequest): Promise<JWTPayload & { sub: string; exp: number }> {
    requireCompactJwt(request.token, TOKEN_MAX_LENGTH)
    const { payload, protectedHeader } = await jwtVerify(request.token, options.keys.key, {
      algorithms: OIDC_ALGORITHMS,
      issuer: options.oidcIssuer,
      audience: [...accepted],
      requiredClaims: ['sub', 'exp', 'iat', 'aud'],
      maxTokenAge: AGE_MAX_SECONDS,
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(now()),
    })
    const { sub, exp = 0, iat = 0 } = payload
    // Clocks may differ for what is yet to begin; what has ended has ended.
    if (exp * 1000 <= now()) throw new Error('it has expired')
    if (exp - iat > AGE_MAX_SECONDS) throw new Error('it lives too long')
    if (typeof sub !== 'string' || sub === '' || sub.length > 255) throw new Error('its sub is not usable')
    if (request.type === ID_TOKEN_TYPE) requireIdToken(protectedHeader, payload, accepted)
    else requireAccessToken(protectedHeader, payload)
    return { ...payload, sub, exp }
  }

  async function userOf(claims: JWTPayload & { sub: string }, from: RequestFacts): Promise<UserRecord> {
    const known = await store.users.findByExternalId(options.oidcIssuer, claims.sub)
    if (known?.disabled) throw new Error('its user is disabled')
    if (known) return known
    if (!options.createUser) throw new Error('its user is unknown here (VERDICT_OIDC_CREATE_USERS)')
    const { email, email_verified: verified, name } = claims
    return options.createUser(
      {
        externalId: claims.sub,
        // An address that nobody checked could be somebody else's.
        ...(typeof email === 'string' && verified === true && email.length <= 320 ? { email } : {}),
        ...(typeof name === 'string' && name !== '' ? { name: name.slice(0, 200) } : {}),
      },
      from,
    )
  }

  return {
    types: [ID_TOKEN_TYPE, ACCESS_TOKEN_TYPE],
    async verify(request, from) {
      try {
        const claims = await claimsOf(request)
        const user = await userOf(claims, from)
        const client = typeof claims.azp === 'string' ? claims.azp : [claims.aud].flat().find(isAccepted(accepted))
        return { user, client: `${OIDC_CLIENT_PREFIX}${client}`.slice(0, 300), expires: claims.exp }
      } catch (cause) {
        if ((cause as Error).name === 'StoreError') throw cause
        const reason = `OIDC token: ${(cause as Error).message.slice(0, 200)}`
        throw new OAuthProblem('invalid_request', REFUSED, { unverified: true, reason, cause })
      }
    },

    async issue({ user, client, expires }, request) {
      if (request.audience !== undefined)
        throw new OAuthProblem('invalid_target', 'A sign-in gives no tokens for other audiences. Make a key that does.')
      const iat = Math.floor(now() / 1000)
      const exp = Math.min(iat + options.ttlSeconds, expires)
      const scope = narrow(SCOPES, request.scope, 'A sign-in').join(' ')
      const token = await options.signing.sign({
        ...{ iss: options.issuer, aud: `${options.issuer}/v1`, sub: user.id, client_id: client },
        ...{ workspace: user.workspace, jti: options.randomId(), iat, exp, scope },
      })
      return {
        access_token: token,
        issued_token_type: ACCESS_TOKEN_TYPE,
        token_type: 'Bearer',
        expires_in: exp - iat,
        scope,
        key_expires_at: null,
      }
    },
  }
}

const isAccepted = (accepted: readonly string[]) => (audience: unknown) => accepted.includes(String(audience))

/** OpenID Connect Core 3.1.3.7, points 3 to 5; and no other kind of token by its own word (RFC 8725 3.12). */
function requireIdToken(header: ProtectedHeaderParameters, claims: JWTPayload, accepted: readonly string[]): void {
  if (header.typ !== undefined && !/^(application\/)?jwt$/i.test(header.typ)) throw new Error('it is no ID token')
  if (claims.typ !== undefined && claims.typ !== 'ID') throw new Error('it is no ID token')
  const audiences = [claims.aud].flat()
  if (audiences.some((audience) => !isAccepted(accepted)(audience))) throw new Error('it has other audiences too')
  if (audiences.length > 1 && claims.azp === undefined) throw new Error('it has several audiences and no azp')
  if (claims.azp !== undefined && !isAccepted(accepted)(claims.azp)) throw new Error('its azp is another client')
}

/** RFC 9068, or an access token of before that: no ID token, whose form is much the same. */
function requireAccessToken(header: ProtectedHeaderParameters, claims: JWTPayload): void {
  if (/^(application\/)?at\+jwt$/i.test(header.typ ?? '')) return
  const plain = header.typ === undefined || /^(application\/)?jwt$/i.test(header.typ)
  const saysSo = claims.typ === 'Bearer' || (claims.typ === undefined && (claims.scope ?? claims.scp) !== undefined)
  if (!plain || !saysSo || claims.nonce !== undefined || claims.at_hash !== undefined)
    throw new Error('it is no access token')
}
