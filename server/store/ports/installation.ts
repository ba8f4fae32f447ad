/** Facts of this installation that are made once, whoever asks at the same time. */
export interface Installation {
  get(name: InstallationFact): Promise<string | undefined>
  /** Keeps the value unless there is one; answers what is kept. */
  keep(name: InstallationFact, value: string): Promise<string>
}
/**
 * The embedded worker's id, the check value of the secret key; the ids of the first user, workspace and key, and that they
 * have all been made.
 */
export type InstallationFact = 'embedded-worker' | 'secret-key-check' | 'first-key' | 'first-key-made'
