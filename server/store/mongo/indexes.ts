import type { Db, IndexDescription } from 'mongodb'
import { COLLECTIONS, type CollectionName, factsOfCollection } from './collections.ts'

export interface Retention {
  readonly logsDays: number
  readonly runsDays: number
  readonly auditDays: number
}

const DAY_S = 24 * 3600
/** The server removes by itself only what the sweepers left behind for so long: they tell which blobs go with it. */
const SLACK_S = 3 * DAY_S
const INDEX_OPTIONS_CONFLICT = 85
const TTL = 'gone'

/** Makes every collection and index that is missing, of those that are asked for there. What is there stays. */
export async function makeIndexes(db: Db, sharded: boolean): Promise<void> {
  for (const name of Object.keys(COLLECTIONS) as CollectionName[]) {
    const indexes = Object.entries(factsOfCollection(name).indexes)
      .filter(([, { only }]) => only === undefined || only === (sharded ? 'sharded' : 'unsharded'))
      .map(([index, { only: _, ...facts }]) => ({ ...facts, name: index }))
    if (indexes.length > 0) await db.collection(name).createIndexes(indexes as IndexDescription[])
  }
}

/** TTL indexes by the configured retention; one that had another time gets this one. */
export async function keepFor(db: Db, retention: Retention): Promise<void> {
  const days = { logs: retention.logsDays, runs: retention.runsDays, audit: retention.auditDays }
  for (const name of Object.keys(COLLECTIONS) as CollectionName[]) {
    const { goneBy } = factsOfCollection(name)
    if (!goneBy) continue
    const expireAfterSeconds = (goneBy.keep ? days[goneBy.keep] * DAY_S : 0) + SLACK_S
    try {
      await db.collection(name).createIndex({ [goneBy.field]: 1 }, { name: TTL, expireAfterSeconds })
    } catch (error) {
      if ((error as { code?: number }).code !== INDEX_OPTIONS_CONFLICT) throw error
      await db.command({ collMod: name, index: { name: TTL, expireAfterSeconds } })
    }
  }
}
