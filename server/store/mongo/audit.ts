import type { Audit, AuditRecord } from '../ports/audit.ts'
import { afterPage, checkSize, type Database, decoder, NEWEST_FIRST, type Where } from './database.ts'

const record = decoder<AuditRecord>(
  [
    ...(['id', 'createdAt', 'action', 'outcome', 'workspace', 'user', 'credential', 'address', 'requestId'] as const),
    ...(['target', 'detail'] as const),
  ],
  ['detail'],
)

export function mongoAudit(db: Database): Audit {
  const audit = db.collection('audit')
  return {
    async append(events) {
      if (events.length === 0) return
      const createdAt = await db.time()
      const docs = events.map(({ id, detail, ...event }) => ({
        ...{ _id: id, ...event, detail: JSON.stringify(detail) },
        ...{ createdAt, at: new Date(createdAt) },
      }))
      for (const doc of docs) checkSize('audit', doc)
      await audit.insertMany(docs)
    },
    async list({ since, until, ...filter }, page) {
      const conditions: Where[] = [
        ...Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [{ [name]: value }])),
        ...(since === undefined ? [] : [{ createdAt: { $gte: since } }]),
        ...(until === undefined ? [] : [{ createdAt: { $lt: until } }]),
        ...afterPage(page),
      ]
      const where = conditions.length > 0 ? { $and: conditions } : {}
      return (await audit.find(where).sort(NEWEST_FIRST).limit(page.limit).toArray()).map(record)
    },
    async removeOlder(createdBefore, limit) {
      const old = await audit
        .find({ createdAt: { $lt: createdBefore } }, { projection: { _id: 1 } })
        .sort({ createdAt: 1, _id: 1 })
        .limit(limit)
        .toArray()
      return (await audit.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } })).deletedCount
    },
  }
}
