export interface SuiteSecretRecord {
  name: string
  /** Sealed by the vault. */
  sealedValue: string
  createdAt: number
  updatedAt: number
}

export interface SuiteSecrets {
  put(workspace: string, suite: string, name: string, sealedValue: string): Promise<SuiteSecretRecord>
  list(workspace: string, suite: string): Promise<SuiteSecretRecord[]>
  /** False when it was not there. */
  delete(workspace: string, suite: string, name: string): Promise<boolean>
}
