import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import type { AccessTokenClaims } from '../../contract/tokens.ts'
import type { SigningKeyRecord } from '../store/ports/signing-keys.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'

export type Algorithm = SigningKeyRecord['algorithm']
type SignKey = Awaited<ReturnType<typeof importJWK>>

/** Signs and checks access tokens (RFC 9068). One key, one algorithm: the key says which, never the token. */
export interface Signing {
  sign(claims: AccessTokenClaims): Promise<string>
  /** The claims of a token that this server signed and that has not expired; throws jose's error otherwise. */
  verify(token: string): Promise<AccessTokenClaims>
  /** The public keys (RFC 7517). */
  jwks(): { keys: JWK[] }
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
const TOKEN_MAX_LENGTH = 8192
/** Compact serialisation only (RFC 7515 7.1): three parts of base64url. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** Opens the signing keys; makes the first one of the configured algorithm. */
export async function openSigning(options: SigningOptions): Promise<Signing> {
  const { store, vault, algorithm, issuer } = options
  let records = await store.signingKeys.list()
  if (!records.some((record) => record.algorithm === algorithm)) {
    records = [await makeSigningKey(store, vault, algorithm), ...records]
  }
  const current = records.find((record) => record.algorithm === algorithm) as SigningKeyRecord
  const privateJwk = JSON.parse(vault.open(current.sealedPrivateKey, `signing-key/${current.id}`)) as JWK
  const privateKey = await importJWK(privateJwk, algorithm)
  const publicKeys = new Map<string, { algorithm: Algorithm; jwk: JWK; key: SignKey }>()
  for (const record of records) {
    const jwk = { ...(JSON.parse(record.publicKey) as JWK), kid: record.id, alg: record.algorithm, use: 'sig' }
    publicKeys.set(record.id, { algorithm: record.algorithm, jwk, key: await importJWK(jwk, record.algorithm) })
  }

  return {
    sign: (claims) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid: current.id })
        .sign(privateKey),
    async verify(token) {
      if (token.length > TOKEN_MAX_LENGTH || !COMPACT.test(token)) throw new Error('not a compact JWT of ours')
      const { payload } = await jwtVerify(
        token,
        (header) => {
          const known = typeof header.kid === 'string' ? publicKeys.get(header.kid) : undefined
          if (!known || known.algorithm !== header.alg) throw new Error('unknown signing key')
          return known.key
        },
        {
          algorithms: ['ES256', 'RS256'],
          issuer,
          audience: `${issuer}/v1`,
          typ: 'at+jwt',
          requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti', 'scope', 'workspace'],
          currentDate: new Date(options.now()),
        },
      )
      return payload as unknown as AccessTokenClaims
    },
    jwks: () => ({ keys: [...publicKeys.values()].map(({ jwk }) => jwk) }),
  }
}

async function makeSigningKey(store: Store, vault: Vault, algorithm: Algorithm): Promise<SigningKeyRecord> {
  const pair = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 })
  const publicKey = await exportJWK(pair.publicKey)
  const id = await calculateJwkThumbprint(publicKey)
  const sealedPrivateKey = vault.seal(JSON.stringify(await exportJWK(pair.privateKey)), `signing-key/${id}`)
  return store.signingKeys.add({ id, algorithm, publicKey: JSON.stringify(publicKey), sealedPrivateKey })
}
