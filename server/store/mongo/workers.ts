import { WORKER_SEEN_EVERY_MS } from '../ports/times.ts'
import type { WorkerRecord, Workers } from '../ports/workers.ts'
import { afterPage, type Database, type Doc, decoder, NEWEST_FIRST, set, type Where } from './database.ts'

const record = decoder<WorkerRecord>([
  ...(['id', 'workspace', 'name', 'labels', 'digest', 'start', 'end', 'createdBy', 'createdAt', 'revokedAt'] as const),
  ...(['lastSeenAt', 'said'] as const),
])

export function mongoWorkers(db: Database): Workers {
  const workers = db.collection('workers')
  const find = async (where: Where) => {
    const found = await workers.findOne(where)
    return found ? record(found) : undefined
  }
  return {
    async create({ id, ...worker }) {
      const fresh: Doc = { _id: id, ...worker, revokedAt: null, lastSeenAt: null, said: null }
      return record(await db.insert('workers', fresh, { createdAt: db.now(), changedAt: db.now() }))
    },
    findByDigest: (digest) => find({ digest }),
    get: (id) => find({ _id: id }),
    async list({ workspace, shared }, page) {
      const whose = { workspace: { $in: shared ? [workspace, null] : [workspace] } }
      const where = { $and: [whose, { revokedAt: null }, ...afterPage(page)] }
      return (await workers.find(where).sort(NEWEST_FIRST).limit(page.limit).toArray()).map(record)
    },
    async revoke(id) {
      await workers.updateOne({ _id: id, revokedAt: null }, [{ $set: { revokedAt: db.now(), changedAt: db.now() } }])
      return find({ _id: id })
    },
    async markSeen(id, said) {
      const age = { $abs: { $subtract: [db.now(), { $ifNull: ['$lastSeenAt', 0] }] } }
      // The fields always in one order: they are compared as documents.
      const ordered = said && { labels: said.labels, runner: said.runner, version: said.version }
      const news = ordered ? [{ said: { $ne: ordered } }] : []
      await workers.updateOne({ _id: id, $or: [{ $expr: { $gte: [age, WORKER_SEEN_EVERY_MS] } }, ...news] }, [
        set(ordered ? { said: ordered } : {}, { lastSeenAt: db.now() }),
      ])
    },
    async seenSince(time, limit) {
      const where = { lastSeenAt: { $gte: time }, revokedAt: null }
      return (await workers.find(where).sort({ lastSeenAt: -1 }).limit(limit).toArray()).map(record)
    },
  }
}
