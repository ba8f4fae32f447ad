import type { UsageRecord } from '../ports/usage.ts'
import { type Database, joined } from './database.ts'
import { duplicatesOf } from './errors.ts'

export const SUMS = ['calls', 'exchanges', 'runs', 'runMs'] as const satisfies (keyof UsageRecord)[]

/** What is added to the line of a day, user and key. */
export interface UsageLine extends Partial<Record<(typeof SUMS)[number], number>> {
  readonly day: string
  readonly user: string
  readonly key: string
}

/** Adds to all these lines, in one write. */
export async function addUsage(db: Database, lines: readonly UsageLine[]): Promise<void> {
  if (lines.length === 0) return
  const additions = lines.map(({ day, user, key, ...amounts }) => ({
    updateOne: {
      filter: { _id: joined(day, user, key) },
      update: { $inc: { ...NOTHING, ...amounts }, $setOnInsert: { day, user, key } },
      upsert: true,
    },
  }))
  try {
    await db.collection('usage').bulkWrite(additions, { ordered: false })
  } catch (error) {
    // Another process began these lines at the same time: now they are there.
    const late = duplicatesOf(error)
    if (!late) throw error
    await addUsage(
      db,
      late.map((index) => lines[index]!),
    )
  }
}

const NOTHING = Object.fromEntries(SUMS.map((name) => [name, 0]))
