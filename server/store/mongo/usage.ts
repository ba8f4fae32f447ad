import type { Usage, UsageRecord } from '../ports/usage.ts'
import { type Database, decoder, joined, type Where } from './database.ts'
import { isDuplicate } from './errors.ts'

const record = decoder<UsageRecord>(['day', 'user', 'calls', 'exchanges', 'runs', 'runMs'])
const SUMS = ['calls', 'exchanges', 'runs', 'runMs'] as const

export interface UsageLine {
  readonly day: string
  readonly user: string
  readonly key: string
}

/** Adds to the line of a day, user and key. */
export async function addUsage(
  db: Database,
  { day, user, key }: UsageLine,
  amounts: Partial<Record<(typeof SUMS)[number], number>>,
): Promise<void> {
  const $inc = Object.fromEntries(SUMS.map((name) => [name, amounts[name] ?? 0]))
  const line = { _id: joined(day, user, key) }
  const add = () => db.collection('usage').updateOne(line, { $inc, $setOnInsert: { day, user, key } }, { upsert: true })
  await add().catch((error) => {
    // Two began the line at once: now it is there.
    if (!isDuplicate(error)) throw error
    return add()
  })
}

export function mongoUsage(db: Database): Usage {
  const usage = db.collection('usage')
  return {
    async add(additions) {
      for (const { calls, exchanges, ...line } of additions) await addUsage(db, line, { calls, exchanges })
    },
    async callsOf(key, day) {
      const lines = await usage.find({ key, day }, { projection: { calls: 1 } }).toArray()
      return lines.reduce((sum, { calls }) => sum + calls, 0)
    },
    async list({ user, key, since, until }, { limit, after }) {
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
