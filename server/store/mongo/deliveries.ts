import type { AttemptRecord, Deliveries, DeliveryRecord } from '../ports/deliveries.ts'
import { afterPage, type Database, decoder, literal, NEWEST_FIRST, set, type Where } from './database.ts'
import { insertDelivery } from './delivery-insert.ts'

/** Attempts that a delivery remembers: the last ones. */
const ATTEMPTS_KEPT = 200

const record = decoder<DeliveryRecord>([
  ...([
    'id',
    'workspace',
    'endpoint',
    'callback',
    'url',
    'event',
    'type',
    'run',
    'suite',
    'state',
    'attempts',
  ] as const),
  ...(['tries', 'nextAt', 'lastStatus', 'lastError', 'createdAt', 'finishedAt', 'body'] as const),
])
const WITHOUT_ATTEMPTS = { projection: { attempted: 0 } }

export const dueOf = (now: number, endpoint?: string, after = ''): Where => ({
  ...{ state: 'pending', endpoint: endpoint ?? { $gt: after }, nextAt: { $lte: now } },
})

export function mongoDeliveries(db: Database): Deliveries {
  const deliveries = db.collection('deliveries')
  const get = async (id: string) => {
    const found = await deliveries.findOne({ _id: id }, WITHOUT_ATTEMPTS)
    return found ? record(found) : undefined
  }

  /** Since when the callback fails, after this attempt. */
  async function noteHealth(callback: string, good: boolean): Promise<number | null> {
    const failingSince = good ? null : { $ifNull: ['$failingSince', db.now()] }
    const noted = await db
      .collection('callbacks')
      .findOneAndUpdate({ _id: callback }, [{ $set: { failingSince } }], { returnDocument: 'after' })
    return noted?.failingSince ?? null
  }

  return {
    get,
    async list(workspace, { callback, state }, page) {
      const conditions = [
        { workspace },
        ...(callback === undefined ? [] : [{ callback }]),
        ...(state === undefined ? [] : [{ state }]),
        ...afterPage(page),
      ]
      const found = await deliveries
        .find({ $and: conditions }, WITHOUT_ATTEMPTS)
        .sort(NEWEST_FIRST)
        .limit(page.limit)
        .toArray()
      return found.map(record)
    },
    async attempts(id) {
      return ((await deliveries.findOne({ _id: id }))?.attempted ?? []) as AttemptRecord[]
    },
    async dueEndpoints(after, limit) {
      const found = await deliveries
        .aggregate([
          { $match: dueOf(await db.time(), undefined, after) },
          { $sort: { state: 1, endpoint: 1, nextAt: 1 } },
          { $group: { _id: '$endpoint', workspace: { $first: '$workspace' } } },
          { $sort: { _id: 1 } },
          { $limit: limit },
        ])
        .toArray()
      return found.map(({ _id, workspace }) => ({ endpoint: _id, workspace }))
    },
    async nextDue() {
      const next = await deliveries
        .find({ state: 'pending', nextAt: { $gte: 0 } }, { projection: { nextAt: 1 } })
        .sort({ nextAt: 1 })
        .limit(1)
        .next()
      return next?.nextAt
    },
    async claim(endpoint, owner, leaseMs, limit) {
      const where = dueOf(await db.time(), endpoint)
      const due = await deliveries
        .find(where, { projection: { _id: 1 } })
        .sort({ nextAt: 1, _id: 1 })
        .limit(limit)
        .toArray()
      const claimed = await Promise.all(
        due.map(({ _id }) =>
          deliveries.findOneAndUpdate({ ...where, _id }, [set({ owner }, { nextAt: db.nowPlus(leaseMs) })], {
            returnDocument: 'after',
            ...WITHOUT_ATTEMPTS,
          }),
        ),
      )
      return claimed.flatMap((one) => (one ? [record(one)] : []))
    },
    async settle({ id, attempts }, owner, attempt, next) {
      const number = attempts + 1
      const { status, error } = attempt
      const noted = { $concatArrays: ['$attempted', [literal({ number, ...attempt })]] }
      const values = { state: next.state, attempts: number, owner: null, lastStatus: status, lastError: error }
      const stage = set(
        { ...values, nextAt: next.state === 'pending' ? next.nextAt : null },
        {
          attempted: { $slice: [noted, -ATTEMPTS_KEPT] },
          tries: { $add: ['$tries', 1] },
          finishedAt: next.state === 'pending' ? null : db.now(),
        },
      )
      const settled = await deliveries.findOneAndUpdate({ _id: id, owner, attempts, state: 'pending' }, [stage])
      if (!settled) return false
      if (settled.callback === null) return { failingSince: null }
      const good = next.state === 'delivered' || (next.state === 'failed' && next.blameless === true)
      return { failingSince: await noteHealth(settled.callback, good) }
    },
    async redeliver(id) {
      const delivery = await get(id)
      if (!delivery) return undefined
      const { callback } = delivery
      if (callback !== null && !(await db.collection('callbacks').findOne({ _id: callback }))) return 'gone'
      const again = set({ state: 'pending', tries: 0, owner: null, finishedAt: null }, { nextAt: db.now() })
      const due = await deliveries.findOneAndUpdate({ _id: id }, [again], {
        returnDocument: 'after',
        ...WITHOUT_ATTEMPTS,
      })
      return due ? record(due) : undefined
    },
    async add(delivery) {
      await insertDelivery(db, delivery)
      return (await get(delivery.id))!
    },
    async releaseAllOf(owner) {
      return (await deliveries.updateMany({ owner }, [set({ owner: null }, { nextAt: db.now() })])).modifiedCount
    },
    async removeOlder(finishedBefore, limit) {
      const where = { finishedAt: { $gte: 0, $lt: finishedBefore } }
      const old = await deliveries
        .find(where, { projection: { _id: 1 } })
        .sort({ finishedAt: 1 })
        .limit(limit)
        .toArray()
      return (await deliveries.deleteMany({ _id: { $in: old.map(({ _id }) => _id) }, ...where })).deletedCount
    },
  }
}
