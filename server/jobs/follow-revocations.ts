import type { Clock } from '../clock.ts'
import type { Revocation } from '../domain/revocation.ts'
import { repeat } from './loop.ts'

const EVERY_MS = 500
/** A node whose last good look is older than this knows too little to let anybody in (wire 1). */
export const STALE_AFTER_MS = 1000

/** Looks every half second at what other processes revoked, so that it counts here within a second. */
export function followRevocations(
  revocation: Revocation,
  clock: Clock,
  onError: (error: unknown) => void,
): () => Promise<void> {
  return repeat(clock, EVERY_MS, () => revocation.refresh(), onError)
}
