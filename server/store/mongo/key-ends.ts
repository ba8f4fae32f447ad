import type { Database, Where } from './database.ts'

/** Revokes all good keys that this says. Answers how many. Their slots are free again. */
export async function endKeys(db: Database, of: { user?: string; workspace?: string }): Promise<number> {
  const where: Where = { ...of, revokedAt: null }
  const stages = [{ $set: { revokedAt: db.now(), changedAt: db.now() } }, { $unset: ['slot'] }]
  return (await db.collection('keys').updateMany(where, stages)).modifiedCount
}
