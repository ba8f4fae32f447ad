import type { KeyRecord } from '../store/ports/keys.ts'
import type { Store } from '../store/ports/store.ts'

const EVERY_MS = 60_000

/**
 * Notes that keys are used and from where: off the request's path, and at most once a minute and key. At the first use an
 * answer that still holds the key is erased, a key that it replaces may end, and `onFirst` is told: it has arrived.
 */
export function keyUse(options: {
  store: Store
  now: () => number
  onFirst: (key: KeyRecord) => void
  /** Told of a key that ended because its successor was used. */
  onReplaced: (ended: KeyRecord, successor: KeyRecord) => Promise<void>
  onError: (error: unknown) => void
}): (key: KeyRecord, address: string) => void {
  const { store } = options
  async function note(key: KeyRecord, address: string): Promise<void> {
    // Before the use is noted: what a crash in between leaves is done at the next use.
    const ended = key.lastUsedAt === null ? await store.keys.endReplaced(key.id) : undefined
    if (ended) await options.onReplaced(ended, key)
    await store.keys.markUsed(key.id, address)
    if (key.lastUsedAt !== null) return
    await store.idempotency.eraseSecretOf(key.id)
    options.onFirst(key)
  }
  return (key, address) => {
    if (key.lastUsedAt === null || options.now() - key.lastUsedAt >= EVERY_MS) note(key, address).catch(options.onError)
  }
}
