import type { SealedSecret } from '../ports/callbacks.ts'

/** Old secrets that may still sign at once: who rotates more often than that has no use for the oldest. */
const OLD_MAX = 5

/** A new secret in front of those that are still good; these end at `oldUntil` at the latest. */
export function rotated(secrets: readonly SealedSecret[], sealed: string, oldUntil: number, now: number) {
  const old = secrets
    .map((secret) => ({ sealed: secret.sealed, until: Math.min(secret.until ?? oldUntil, oldUntil) }))
    .filter(({ until }) => until > now)
  return [{ sealed, until: null }, ...old.slice(0, OLD_MAX)]
}
