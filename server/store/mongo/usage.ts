import type { Usage, UsageRecord } from '../ports/usage.ts'
import { type Database, decoder, type Where } from './database.ts'
import { settleRunUsage } from './run-usage.ts'
import { addUsage, SUMS } from './usage-lines.ts'

const record = decoder<UsageRecord>(['day', 'user', 'calls', 'exchanges', 'runs', 'runMs'])

export function mongoUsage(db: Database): Usage {
  const usage = db.collection('usage')
  return {
    add: (additions) => addUsage(db, additions),
    async callsOf(key, day) {
      const lines = await usage.find({ key, day }, { projection: { calls: 1 } }).toArray()
      return lines.reduce((sum, { calls }) => sum + calls, 0)
    },
    async list({ user, key, since, until }, { limit, after }) {
      // Of this process; what others have counted follows within a second.
      await settleRunUsage(db)
      const conditions: Where[] = [
        ...(user === undefined ? [] : [{ user }]),
        ...(key === undefined ? [] : [{ key }]),
        ...(since === undefined ? [] : [{ day: { $gte: since } }]),
        ...(until === undefined ? [] : [{ day: { $lt: until } }]),
        ...(after ? [{ $or: [{ day: { $lt: after.day } }, { day: after.day, user: { $lt: after.user } }] }] : []),
        ...(after ? [{ day: { $lte: after.day } }] : []),
      ]
      const where = conditions.length > 0 ? { $and: conditions } : {}
      const lines: UsageRecord[] = []
      // As they come, a line for each key: so only what is shown is read, however much there is.
      for await (const doc of usage.find(where).sort({ day: -1, user: -1 })) {
        const last = lines.at(-1)
        if (last?.day === doc.day && last?.user === doc.user) for (const name of SUMS) last![name] += doc[name]
        else if (lines.length === limit) break
        else lines.push(record(doc))
      }
      return lines
    },
  }
}
