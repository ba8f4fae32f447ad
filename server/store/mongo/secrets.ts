import type { SealedSecret } from '../ports/callbacks.ts'
import type { CollectionName } from './collections.ts'
import type { Database, Doc, Where } from './database.ts'
import { set } from './database.ts'

/** Old secrets that may still sign at once: who rotates more often than that has no use for the oldest. */
const OLD_MAX = 5

/** A new secret in front of those that are still good; these end at `oldUntil` at the latest. */
export function rotated(
  secrets: readonly SealedSecret[],
  sealed: string,
  oldUntil: number,
  now: number,
): SealedSecret[] {
  const old = secrets
    .map((secret) => ({ sealed: secret.sealed, until: Math.min(secret.until ?? oldUntil, oldUntil) }))
    .filter(({ until }) => until > now)
  return [{ sealed, until: null }, ...old.slice(0, OLD_MAX)]
}

/** Rotates the secrets of a document, from what they are when the write arrives. */
export async function rotateSecrets(
  db: Database,
  name: CollectionName,
  where: Where,
  sealed: string,
  oldUntil: number,
): Promise<Doc | undefined> {
  const collection = db.collection(name)
  for (;;) {
    const found = await collection.findOne(where)
    if (!found) return undefined
    const secrets = rotated(found.secrets, sealed, oldUntil, await db.time())
    const changed = await collection.findOneAndUpdate(
      { ...where, secrets: found.secrets },
      [set({ secrets }, { updatedAt: db.now() })],
      { returnDocument: 'after' },
    )
    if (changed) return changed
  }
}
