import { CompactSign, importJWK, type JWK, jwtVerify } from 'jose'
import type { AccessTokenClaims } from '../../contract/tokens.ts'
import type { SigningKeyRecord } from '../store/ports/signing-keys.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'
import { requireCompactJwt } from './compact-jwt.ts'
import { type Algorithm, makeSigningKey, privateJwk, rolesOf } from './signing-keys.ts'

type SignKey = Awaited<ReturnType<typeof importJWK>>

/** Signs and checks access tokens (RFC 9068). One key, one algorithm: the key says which, never the token. */
export interface Signing {
  sign(claims: AccessTokenClaims): Promise<string>
  /**
   * The claims of a token that this server signed and that has not expired; throws an Error otherwise, a StoreError when
   * the key that it names cannot be looked for. `anyAudience`: also one for the operator's own APIs, which opens nothing here.
   */
  verify(token: string, options?: { anyAudience: boolean }): Promise<AccessTokenClaims>
  /** The public keys (RFC 7517), with those that will sign soon. */
  jwks(): { keys: JWK[] }
  /** Makes the next key in time, forgets those that are over, and learns of what other processes made. Answers what it did. */
  tend(): Promise<{ made: string[]; forgotten: string[] }>
}

export interface SigningOptions {
  readonly store: Store
  readonly vault: Vault
  readonly algorithm: Algorithm
  /** `iss`: the public URL. */
  readonly issuer: string
  readonly now: () => number
}

/** A token longer than this is none of ours, and is refused before anything reads it. Characters. */
const TOKEN_MAX_LENGTH = 16_384
/** How far ahead another node may be that goes by the store's clock, too; or this one before its clock was set back. Seconds. */
const AHEAD_MAX_SECONDS = 60
/** No token of ours lives longer. Seconds. */
const LIFE_MAX_SECONDS = 3600
/** Tokens that were found good, by their exact text: the same text needs no second look at its signature. Bounded. */
const KNOWN_MAX = 10_000
/** How often a token of a key that is not known here makes this process look for the keys of others. */
const LOOK_EVERY_MS = 200
const CLAIMS = ['exp', 'iat', 'sub', 'client_id', 'jti', 'scope']

interface LoadedKeys {
  readonly current: { readonly id: string; readonly key: SignKey }
  /** When another key signs. */
  readonly until: number
  readonly publicKeys: ReadonlyMap<string, { algorithm: Algorithm; jwk: JWK; key: SignKey }>
}

/** Opens the signing keys; makes the first one of the configured algorithm. */
export async function openSigning(options: SigningOptions): Promise<Signing> {
  const { store, vault, algorithm, issuer, now } = options

  async function load(): Promise<LoadedKeys> {
    let records = await store.signingKeys.list()
    if (!rolesOf(records, algorithm, now()).signs) {
      records = [await makeSigningKey(options, algorithm, now()), ...records]
    }
    const { signs, verifies } = rolesOf(records, algorithm, now())
    const current = signs as SigningKeyRecord
    const publicKeys = new Map<string, { algorithm: Algorithm; jwk: JWK; key: SignKey }>()
    for (const record of verifies) {
      const jwk = { ...(JSON.parse(record.publicKey) as JWK), kid: record.id, alg: record.algorithm, use: 'sig' }
      publicKeys.set(record.id, { algorithm: record.algorithm, jwk, key: await importJWK(jwk, record.algorithm) })
    }
    const next = verifies.filter((record) => record.algorithm === algorithm && record.activeAt > now())
    return {
      current: { id: current.id, key: await importJWK(privateJwk(vault, current), algorithm) },
      until: Math.min(...next.map(({ activeAt }) => activeAt), Number.POSITIVE_INFINITY),
      publicKeys,
    }
  }

  const known = new Map<string, AccessTokenClaims>()
  let keys = await load()
  let lookedAt = now()

  async function reload(): Promise<void> {
    const before = keys
    keys = await load()
    // What was signed by a key that is good no more, whoever took it away, is looked at anew.
    if ([...before.publicKeys.keys()].some((id) => !keys.publicKeys.has(id))) known.clear()
  }

  /** The public key of that id. Another process may have made it a moment ago: two that start together make one each. */
  async function keyOf({ kid, alg }: { kid?: string; alg: string }): Promise<SignKey> {
    if (typeof kid === 'string' && !keys.publicKeys.has(kid) && Math.abs(now() - lookedAt) >= LOOK_EVERY_MS) {
      lookedAt = now()
      await reload()
    }
    const signer = typeof kid === 'string' ? keys.publicKeys.get(kid) : undefined
    if (!signer || signer.algorithm !== alg) throw new Error('unknown signing key')
    return signer.key
  }

  return {
    async sign(claims) {
      if (now() >= keys.until) await reload()
      // The claims are whole; a builder of claims would copy them once more.
      return new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid: keys.current.id })
        .sign(keys.current.key)
    },
    async verify(token, { anyAudience } = { anyAudience: false }) {
      // Whether it was revoked is asked elsewhere, every time; here only its end can have come meanwhile.
      const before = anyAudience ? undefined : known.get(token)
      if (before && before.exp * 1000 > now()) return before
      known.delete(token)
      requireCompactJwt(token, TOKEN_MAX_LENGTH)
      const { payload } = await jwtVerify(token, keyOf, {
        algorithms: ['ES256', 'RS256'],
        issuer,
        ...(anyAudience ? {} : { audience: `${issuer}/v1` }),
        typ: 'at+jwt',
        requiredClaims: CLAIMS,
        currentDate: new Date(now()),
      })
      // A shared worker alone is of no workspace, and may do nothing but its work.
      if (typeof payload.workspace !== 'string' && payload.scope !== 'work') throw new Error('of no workspace')
      // One audience, as we write it: a list with ours among others was not made here.
      if (typeof payload.aud !== 'string') throw new Error('not one audience')
      const { iat = 0, exp = 0 } = payload
      if (iat > now() / 1000 + AHEAD_MAX_SECONDS) throw new Error('of the future')
      if (exp - iat > LIFE_MAX_SECONDS) throw new Error('lives too long')
      const claims = payload as unknown as AccessTokenClaims
      if (!anyAudience) {
        if (known.size >= KNOWN_MAX) known.clear()
        known.set(token, claims)
      }
      return claims
    },
    jwks: () => ({ keys: [...keys.publicKeys.values()].map(({ jwk }) => jwk) }),
    async tend() {
      const { nextAt, over } = rolesOf(await store.signingKeys.list(), algorithm, now())
      const made = nextAt === undefined ? [] : [(await makeSigningKey(options, algorithm, nextAt)).id]
      for (const { id } of over) await store.signingKeys.remove(id)
      await reload()
      return { made, forgotten: over.map(({ id }) => id) }
    },
  }
}

/** A new key at once, and no other is good any more: for when a private key may have leaked. Every token ends with it. */
export async function replaceSigningKeys(options: Omit<SigningOptions, 'issuer'>): Promise<string> {
  const made = await makeSigningKey(options, options.algorithm, options.now())
  await options.store.signingKeys.retireOthers(made.id)
  return made.id
}
