import type { Clock } from '../clock.ts'
import type { Retention } from '../domain/retention.ts'
import { repeat } from './loop.ts'
import type { Turn } from './turn.ts'

const EVERY_MS = 60_000

/** Removes what is kept no longer, a little at a time, while it is this process's turn. */
export function expire(
  retention: Retention,
  turn: Turn,
  clock: Clock,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const remove = async () => {
    if (await turn.mine()) await retention.remove()
  }
  return repeat(clock, EVERY_MS, remove, onError)
}
