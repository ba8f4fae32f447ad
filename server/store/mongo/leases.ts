import type { Leases } from '../ports/leases.ts'
import { type Database, type Expression, literal } from './database.ts'
import { isDuplicate } from './errors.ts'

/** When the lease ends that the owner has now, by the store's clock; undefined while another one has it. */
export async function takeLease(db: Database, name: string, owner: string, ms: number): Promise<number | undefined> {
  const isFree = { $or: [{ $eq: ['$owner', literal(owner)] }, { $lte: [{ $ifNull: ['$endsAt', 0] }, db.now()] }] }
  const ifFree = (value: Expression, field: string) => ({
    $cond: [isFree, value, field],
  })
  try {
    const lease = await db
      .collection('meta')
      .findOneAndUpdate(
        { _id: `lease:${name}` },
        [{ $set: { owner: ifFree(literal(owner), '$owner'), endsAt: ifFree(db.nowPlus(ms), '$endsAt') } }],
        { upsert: true, returnDocument: 'after' },
      )
    return lease?.owner === owner ? lease.endsAt : undefined
  } catch (error) {
    // Two made the first one at the same time, and the other one has it.
    if (!isDuplicate(error)) throw error
    return undefined
  }
}

export async function endLease(db: Database, name: string, owner: string): Promise<void> {
  await db.collection('meta').deleteOne({ _id: `lease:${name}`, owner })
}

export function mongoLeases(db: Database): Leases {
  return {
    acquire: async (name, owner, ms) => (await takeLease(db, name, owner, ms)) !== undefined,
    release: (name, owner) => endLease(db, name, owner),
  }
}
