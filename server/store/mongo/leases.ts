import type { Leases } from '../ports/leases.ts'
import { type Database, type Expression, literal } from './database.ts'
import { isDuplicate } from './errors.ts'

export function mongoLeases(db: Database): Leases {
  const leases = db.collection('meta')
  return {
    async acquire(name, owner, ms) {
      const isFree = { $or: [{ $eq: ['$owner', literal(owner)] }, { $lte: [{ $ifNull: ['$endsAt', 0] }, db.now()] }] }
      const ifFree = (value: Expression, field: string) => ({
        $cond: [isFree, value, field],
      })
      try {
        const lease = await leases.findOneAndUpdate(
          { _id: `lease:${name}` },
          [{ $set: { owner: ifFree(literal(owner), '$owner'), endsAt: ifFree(db.nowPlus(ms), '$endsAt') } }],
          { upsert: true, returnDocument: 'after' },
        )
        return lease?.owner === owner
      } catch (error) {
        // Two made the first one at the same time, and the other one has it.
        if (!isDuplicate(error)) throw error
        return false
      }
    },
    async release(name, owner) {
      await leases.deleteOne({ _id: `lease:${name}`, owner })
    },
  }
}
