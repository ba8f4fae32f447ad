import type { NewDelivery, Outbox, OutboxContent, OutboxEvent } from '../ports/outbox.ts'
import { type Database, type Doc, decoder, joined, literal } from './database.ts'
import { insertDelivery } from './delivery-insert.ts'
import { isDuplicate } from './errors.ts'
import { collectNews } from './news.ts'
import { announce, listeners } from './outbox-insert.ts'

const DAY_MS = 86_400_000
/** Who is making an event into deliveries is done by then, or gone. */
const SPREADING_MS = 10_000
/** A node that is so late does not exist: until then it is remembered what is done. */
const REMEMBERED_MS = 3600_000
const DONE_AT_ONCE = 500

const event = decoder<OutboxEvent>(['seq', 'workspace', 'at', 'content'], ['content'])

/**
 * An event is `open`, then `spreading` with its deliveries in its own document, then `done`: the first step decides who does
 * it, in one write, and whoever finds one that was left half way finishes it.
 */
export function mongoOutbox(db: Database): Outbox {
  const outbox = db.collection('outbox')

  async function finish({ _id, deliveries }: Doc): Promise<void> {
    for (const delivery of deliveries as NewDelivery[]) await insertDelivery(db, delivery)
    await outbox.updateOne({ _id }, [
      { $set: { state: 'done', doneAt: db.now() } },
      { $unset: ['deliveries', 'content', 'spreadingAt'] },
    ])
  }

  async function tidy(): Promise<void> {
    const now = await db.time()
    const stuck = await outbox.find({ state: 'spreading', spreadingAt: { $lt: now - SPREADING_MS } }).toArray()
    for (const one of stuck) await finish(one)
    const old = await outbox
      .find({ doneAt: { $gte: 0, $lt: now - REMEMBERED_MS } }, { projection: { _id: 1 } })
      .limit(DONE_AT_ONCE)
      .toArray()
    if (old.length > 0) await outbox.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } })
  }

  return {
    async take(limit) {
      await collectNews(db)
      await tidy()
      return (await outbox.find({ state: 'open' }).sort({ seq: 1 }).limit(limit).toArray()).map(event)
    },
    async spread(seq, deliveries) {
      const spreading = { state: 'spreading', spreadingAt: db.now(), deliveries: literal(deliveries) }
      const own = await outbox.findOneAndUpdate({ seq, state: 'open' }, [{ $set: spreading }], {
        returnDocument: 'after',
      })
      if (!own) return false
      await finish(own)
      return true
    },
    async announceExpiring(days, limit) {
      let told = 0
      const now = await db.time()
      // The nearest first: a key that was seen late is told of once, by the number that it is at.
      for (const one of [...days].sort((a, b) => a - b)) {
        told += await announceEnding(db, now, one, limit)
      }
      return told
    },
    async forgetSuiteStates(before, limit) {
      await collectNews(db)
      const states = db.collection('suite_states')
      const old = await states
        .find({ updatedAt: { $lt: before } }, { projection: { _id: 1 } })
        .sort({ updatedAt: 1 })
        .limit(limit)
        .toArray()
      return (await states.deleteMany({ _id: { $in: old.map(({ _id }) => _id) }, updatedAt: { $lt: before } }))
        .deletedCount
    },
  }
}

/** Keys that end within that many days, and were made longer before. */
export function endingKeys(now: number, days: number): object {
  return {
    expiresAt: { $gt: now, $lte: now + days * DAY_MS },
    revokedAt: null,
    $expr: { $lt: ['$createdAt', { $subtract: ['$expiresAt', days * DAY_MS] }] },
  }
}

async function announceEnding(db: Database, now: number, days: number, limit: number): Promise<number> {
  const notices = db.collection('key_notices')
  let told = 0
  for await (const key of db.collection('keys').find(endingKeys(now, days)).sort({ expiresAt: 1 })) {
    if (told === limit) break
    const { _id: id, name, user, start, workspace, expiresAt } = key
    if ((await notices.findOne({ _id: id }))?.days <= days) continue
    if (!(await listeners(db, [workspace])).has(workspace)) continue
    const content: OutboxContent = { type: 'key.expiring', key: { id, name, user, start }, expiresAt, days }
    await announce(db, [{ id: joined(id, 'expiring', days), workspace, at: now, content }])
    // Noted last: what a crash cuts off is told again, under the same id.
    await notices.updateOne({ _id: id }, { $min: { days } }, { upsert: true }).catch((error) => {
      if (!isDuplicate(error)) throw error
    })
    told++
  }
  return told
}
