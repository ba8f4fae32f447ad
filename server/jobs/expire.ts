import type { Clock } from '../clock.ts'
import type { Retention } from '../domain/retention.ts'
import { repeat } from './loop.ts'

const EVERY_MS = 60_000

/** Removes what is kept no longer, a little at a time. */
export function expire(retention: Retention, clock: Clock, onError: (error: unknown) => void): () => Promise<void> {
  return repeat(clock, EVERY_MS, () => retention.remove(), onError)
}
