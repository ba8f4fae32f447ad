/** Facts of this installation that are made once: the embedded worker's id, the check value of the secret key. */
export interface Installation {
  get(name: InstallationFact): Promise<string | undefined>
  /** Keeps the value unless there is one; answers what is kept. */
  keep(name: InstallationFact, value: string): Promise<string>
}
export type InstallationFact = 'embedded-worker' | 'secret-key-check'
