import type { OutboxContent } from '../ports/outbox.ts'
import type { Database } from './database.ts'
import { isDuplicate, isOnlyDuplicates } from './errors.ts'

export interface News {
  /** What makes it once, however often it is brought. */
  readonly id: string
  readonly workspace: string
  readonly at: number
  readonly content: OutboxContent
}

/** Puts it where deliveries are made of it, in this order; what is there already is dropped. */
export async function announce(db: Database, news: readonly News[]): Promise<void> {
  if (news.length === 0) return
  // Only senders count here, a batch at a time: no run waits for this document.
  const count = () =>
    db
      .collection('meta')
      .findOneAndUpdate({ _id: 'outbox' }, { $inc: { seq: news.length } }, { upsert: true, returnDocument: 'after' })
      .catch((error) => {
        if (isDuplicate(error)) return null
        throw error
      })
  // The very first may be counted by two at once: now the document is there.
  const counter = (await count()) ?? (await count())
  const first = (counter!.seq as number) - news.length + 1
  const docs = news.map(({ id, workspace, at, content }, i) => ({
    ...{ _id: id, seq: first + i, state: 'open', workspace, at, content: JSON.stringify(content) },
  }))
  await db
    .collection('outbox')
    .insertMany(docs, { ordered: false })
    .catch((error) => {
      if (!isOnlyDuplicates(error)) throw error
    })
}

/** Those of the workspaces where somebody listens, and since when. */
export async function listeners(db: Database, workspaces: readonly string[]): Promise<Map<string, number>> {
  const where = { workspace: { $in: [...new Set(workspaces)] }, disabledAt: null }
  const active = await db
    .collection('callbacks')
    .find(where, { projection: { workspace: 1, createdAt: 1 } })
    .toArray()
  const since = new Map<string, number>()
  for (const { workspace, createdAt } of active) {
    since.set(workspace, Math.min(createdAt, since.get(workspace) ?? Number.POSITIVE_INFINITY))
  }
  return since
}
