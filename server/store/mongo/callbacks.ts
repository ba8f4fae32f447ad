import type { CallbackRecord, Callbacks, SealedSecret } from '../ports/callbacks.ts'
import { afterPage, type Database, type Doc, decoder, NEWEST_FIRST, set } from './database.ts'
import { isDuplicate } from './errors.ts'
import { collectNews } from './news.ts'
import { takePlace } from './places.ts'
import { rotateSecrets } from './secrets.ts'

const record = decoder<CallbackRecord>([
  ...(['id', 'workspace', 'target', 'events', 'suites', 'branches', 'description', 'secrets', 'failingSince'] as const),
  ...(['disabledAt', 'disabledReason', 'createdAt', 'updatedAt'] as const),
])
const AFTER = { returnDocument: 'after' } as const

export function mongoCallbacks(db: Database): Callbacks {
  const callbacks = db.collection('callbacks')
  const shared = db.collection('callback_secrets')
  const maybe = (found: Doc | null | undefined) => (found ? record(found) : undefined)

  /** What was still to be delivered fails. */
  async function endPending(callback: string, lastError: string): Promise<void> {
    const ended = set({ state: 'failed', nextAt: null, owner: null, lastError }, { finishedAt: db.now() })
    await db.collection('deliveries').updateMany({ callback, state: 'pending' }, [ended])
  }

  async function workspaceSecrets(workspace: string, sealed: string): Promise<SealedSecret[]> {
    const first = [{ sealed, until: null }]
    await shared
      .updateOne({ _id: workspace }, { $setOnInsert: { secrets: first } }, { upsert: true })
      .catch((error) => {
        if (!isDuplicate(error)) throw error
      })
    return (await shared.findOne({ _id: workspace }))!.secrets
  }

  return {
    async create({ id, ...callback }, max) {
      const { workspace } = callback
      const fresh = { failingSince: null, disabledAt: null, disabledReason: null }
      const stamps = { createdAt: db.now(), updatedAt: db.now() }
      const made = await db.insert('callbacks', { _id: id, ...callback, ...fresh }, stamps)
      const among = { where: { workspace }, field: 'slot', places: max }
      if (await takePlace(db, 'callbacks', { _id: id }, among)) return record(made)
      await callbacks.deleteOne({ _id: id })
      return 'too_many'
    },
    get: async (id) => maybe(await callbacks.findOne({ _id: id })),
    async list(workspace, page) {
      const where = { $and: [{ workspace }, ...afterPage(page)] }
      return (await callbacks.find(where).sort(NEWEST_FIRST).limit(page.limit).toArray()).map(record)
    },
    active: async (workspace) => (await callbacks.find({ workspace, disabledAt: null }).toArray()).map(record),
    async update(id, change) {
      return maybe(await callbacks.findOneAndUpdate({ _id: id }, [set(change, { updatedAt: db.now() })], AFTER))
    },
    rotate: async (id, sealed, oldUntil) => maybe(await rotateSecrets(db, 'callbacks', { _id: id }, sealed, oldUntil)),
    async disable(id, reason) {
      const stage = set({ disabledReason: reason, news: true }, { disabledAt: db.now(), updatedAt: db.now() })
      const { matchedCount } = await callbacks.updateOne({ _id: id, disabledAt: null }, [stage])
      // Also when it was disabled before: what a crash cut off is done.
      await endPending(id, 'The callback was disabled.')
      if (matchedCount > 0) await collectNews(db)
      return matchedCount > 0
    },
    async enable(id) {
      const clean = { disabledAt: null, disabledReason: null, failingSince: null }
      return maybe(await callbacks.findOneAndUpdate({ _id: id }, [set(clean, { updatedAt: db.now() })], AFTER))
    },
    async delete(id) {
      const { deletedCount } = await callbacks.deleteOne({ _id: id })
      await endPending(id, 'The callback was deleted.')
      return deletedCount > 0
    },
    workspaceSecrets,
    async rotateWorkspaceSecret(workspace, sealed, oldUntil) {
      const rotated = await rotateSecrets(db, 'callback_secrets', { _id: workspace }, sealed, oldUntil)
      if (!rotated) await workspaceSecrets(workspace, sealed)
      return rotated !== undefined
    },
  }
}
