import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { SigningKeyRecord } from '../store/ports/signing-keys.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'

export type Algorithm = SigningKeyRecord['algorithm']

const HOUR_MS = 3_600_000
/** How long a key signs. */
const SIGNS_MS = 90 * 24 * HOUR_MS
/** How long a new key is published before it signs: longer than any verifier keeps the public keys. */
const PUBLISHED_BEFORE_MS = HOUR_MS
/** How long a key verifies after its successor signs: the longest life of a token, and some. */
const VERIFIES_AFTER_MS = HOUR_MS + 10 * 60_000

/** Makes a key that signs from `activeAt` on. Its private half is kept sealed. */
export async function makeSigningKey(
  { store, vault }: { store: Store; vault: Vault },
  algorithm: Algorithm,
  activeAt: number,
): Promise<SigningKeyRecord> {
  const pair = await generateKeyPair(algorithm, { extractable: true, modulusLength: 2048 })
  const publicKey = await exportJWK(pair.publicKey)
  const id = await calculateJwkThumbprint(publicKey)
  const sealedPrivateKey = vault.seal(JSON.stringify(await exportJWK(pair.privateKey)), sealContext(id))
  return store.signingKeys.add({ id, algorithm, publicKey: JSON.stringify(publicKey), sealedPrivateKey, activeAt })
}

export function privateJwk(vault: Vault, { id, sealedPrivateKey }: SigningKeyRecord): JWK {
  return JSON.parse(vault.open(sealedPrivateKey, sealContext(id))) as JWK
}

const sealContext = (id: string) => `signing-key/${id}`

/** What each of the keys is for at a time. Newest first by when they sign. */
export function rolesOf(records: readonly SigningKeyRecord[], algorithm: Algorithm, now: number) {
  const good = records.filter((record) => record.retiredAt === null).sort((a, b) => b.activeAt - a.activeAt)
  const signs = good.find((record) => record.algorithm === algorithm && record.activeAt <= now)
  const verifies = good.filter((record, at) => {
    const successor = good[at - 1]
    return record === signs || successor === undefined || successor.activeAt + VERIFIES_AFTER_MS > now
  })
  const newest = good.find((record) => record.algorithm === algorithm)
  return {
    signs,
    /** Also those that are published and do not sign yet. */
    verifies,
    over: records.filter((record) => !verifies.includes(record)),
    /** When the next key is to sign, if it is to be made now. */
    nextAt:
      newest && newest.activeAt + SIGNS_MS - PUBLISHED_BEFORE_MS <= now
        ? Math.max(newest.activeAt + SIGNS_MS, now + PUBLISHED_BEFORE_MS)
        : undefined,
  }
}
