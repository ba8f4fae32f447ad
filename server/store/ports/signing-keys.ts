export interface SigningKeyRecord {
  /** The `kid`. */
  id: string
  algorithm: 'ES256' | 'RS256'
  /** Public JWK as JSON. */
  publicKey: string
  /** Private JWK as JSON, sealed by the vault. */
  sealedPrivateKey: string
  createdAt: number
}

export interface SigningKeys {
  /** Newest first. */
  list(): Promise<SigningKeyRecord[]>
  add(key: Omit<SigningKeyRecord, 'createdAt'>): Promise<SigningKeyRecord>
}
