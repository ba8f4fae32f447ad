import type { CollectionName } from './collections.ts'
import type { Database, Where } from './database.ts'
import { isDuplicate } from './errors.ts'
import { freeSlot } from './slots.ts'

/** Each refusal means that another document got the place. */
const TRIES = 200

/**
 * Gives a document one of so many places among those that the condition finds: a number under a unique index, so that no race
 * goes past a limit and no counter can drift. False when none is left. A document that is not there any more, or is not what
 * `still` says, needs none.
 */
export async function takePlace(
  db: Database,
  name: CollectionName,
  still: Where & { _id: string },
  among: { where: Where; field: string; places: number },
): Promise<boolean> {
  const collection = db.collection(name)
  const { where, field, places } = among
  for (let tries = 0; tries < TRIES; tries++) {
    const held = await collection.find(where, { projection: { [field]: 1 } }).toArray()
    const taken = new Set(held.flatMap((one) => (typeof one[field] === 'number' ? [one[field] as number] : [])))
    const place = freeSlot(still._id, places, taken)
    if (place === undefined) return false
    try {
      await collection.updateOne(still, { $set: { [field]: place } })
      return true
    } catch (error) {
      if (!isDuplicate(error)) throw error
    }
  }
  return false
}
