import type { KeyRecord } from '../store/ports/keys.ts'
import type { Store } from '../store/ports/store.ts'

const EVERY_MS = 60_000

/**
 * Notes that keys are used: off the request's path, and at most once a minute and key. At the first use an answer that
 * still holds the key is erased, and `onFirst` is told: it has arrived where it is used.
 */
export function keyUse(options: {
  store: Store
  now: () => number
  onFirst: (key: KeyRecord) => void
  onError: (error: unknown) => void
}): (key: KeyRecord) => void {
  const { store } = options
  async function note(key: KeyRecord): Promise<void> {
    await store.keys.markUsed(key.id)
    if (key.lastUsedAt !== null) return
    await store.idempotency.eraseSecretOf(key.id)
    options.onFirst(key)
  }
  return (key) => {
    if (key.lastUsedAt === null || options.now() - key.lastUsedAt >= EVERY_MS) note(key).catch(options.onError)
  }
}
