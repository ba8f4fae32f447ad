export interface SigningKeyRecord {
  /** The `kid`. */
  id: string
  algorithm: 'ES256' | 'RS256'
  /** Public JWK as JSON. */
  publicKey: string
  /** Private JWK as JSON, sealed by the vault. */
  sealedPrivateKey: string
  createdAt: number
  /** From when it signs; it is among the public keys before. */
  activeAt: number
  /** When it was taken back before its time: it verifies nothing any more. */
  retiredAt: number | null
}

export interface SigningKeys {
  /** Newest first. */
  list(): Promise<SigningKeyRecord[]>
  /** Takes back every key but this one, at once. */
  retireOthers(id: string): Promise<void>
  remove(id: string): Promise<void>
  add(key: Omit<SigningKeyRecord, 'createdAt' | 'retiredAt'>): Promise<SigningKeyRecord>
}
