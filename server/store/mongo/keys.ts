import type { HeldKey, KeyRecord, Keys, NewKeyRecord } from '../ports/keys.ts'
import { KEY_SHOWN_MS, KEY_USED_EVERY_MS } from '../ports/times.ts'
import {
  afterPage,
  type Database,
  decoder,
  type Expression,
  literal,
  NEWEST_FIRST,
  set,
  type Where,
} from './database.ts'
import { isDuplicate } from './errors.ts'
import { Groups } from './groups.ts'
import { endKeys } from './key-ends.ts'
import { holderOf, withHolders } from './key-holder.ts'
import { takePlace } from './places.ts'

const record = decoder<KeyRecord>([
  ...([
    'id',
    'user',
    'workspace',
    'name',
    'description',
    'scopes',
    'suites',
    'allowedIps',
    'audiences',
    'limits',
  ] as const),
  ...([
    'replaces',
    'endsReplaced',
    'replacedBy',
    'digest',
    'start',
    'end',
    'createdAt',
    'expiresAt',
    'revokedAt',
  ] as const),
  ...(['lastUsedAt', 'lastUsedFrom'] as const),
])

interface Replacing {
  replaces: string | null
  endsReplaced: boolean
  /** When the replaced key was to end: what a crash kept from being done is done by whoever asks next. */
  replacedEndsAt: number | null
}
const NOTHING: Replacing = { replaces: null, endsReplaced: false, replacedEndsAt: null }

export function mongoKeys(db: Database): Keys {
  const keys = db.collection('keys')
  const find = async (where: Where) => {
    const found = await keys.findOne(where)
    return found ? record(found) : undefined
  }
  const byDigest = new Groups<string, HeldKey | undefined>(async (digests) => {
    const found = await keys.aggregate(withHolders(digests)).toArray()
    const docs = new Map(found.map((doc) => [doc.digest, doc]))
    return digests.map((digest) => {
      const doc = docs.get(digest)
      return { status: 'fulfilled', value: doc && { ...record(doc), holder: holderOf(doc) } }
    })
  })
  const change = async (where: Where, stages: object[]) => {
    const changed = await keys.findOneAndUpdate(where, stages, { returnDocument: 'after' })
    return changed ? record(changed) : undefined
  }
  const isGood = (key: KeyRecord, now: number) =>
    key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now)

  /** The key, once it has one of as many slots as its user may have active keys: unique, so that no race goes past the limit. */
  async function add(
    key: NewKeyRecord,
    maxActive: number,
    replacing: Replacing,
  ): Promise<KeyRecord | 'too_many' | 'replaced'> {
    const { id: _id, ...fields } = key
    const unused = { revokedAt: null, lastUsedAt: null, lastUsedFrom: null, replacedBy: null }
    if ((await takenSlots(key.user)).size >= maxActive) return 'too_many'
    try {
      const stamps = { createdAt: db.now(), changedAt: db.now() }
      const made = await db.insert('keys', { _id, ...fields, ...replacing, ...unused }, stamps)
      const where = { user: key.user, slot: { $gte: 0 } }
      if (await takePlace(db, 'keys', { _id }, { where, field: 'slot', places: maxActive })) return record(made)
    } catch (error) {
      const { replaces } = replacing
      if (isDuplicate(error) && replaces !== null && (await settleReplaced(replaces))) return 'replaced'
      throw error
    }
    await keys.deleteOne({ _id })
    return 'too_many'
  }

  /** The slots of the user's active keys. Those that expired give theirs back. */
  async function takenSlots(user: string): Promise<Set<number>> {
    const now = await db.time()
    const held = await keys.find({ user, slot: { $gte: 0 } }, { projection: { slot: 1, expiresAt: 1 } }).toArray()
    const over = held.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now)
    if (over.length > 0) {
      const ids = over.map(({ _id }) => _id)
      await keys.updateMany({ _id: { $in: ids }, expiresAt: { $lte: now } }, { $unset: { slot: '' } })
    }
    return new Set(held.filter((one) => !over.includes(one)).map(({ slot }) => slot))
  }

  /** Brings a replaced key in line with its successor. False when it has none. */
  async function settleReplaced(id: string): Promise<boolean> {
    const successor = await keys.findOne({ replaces: id })
    if (!successor) return false
    const endsAt = successor.replacedEndsAt
    const sooner = endsAt !== null && { $or: [{ $eq: ['$expiresAt', null] }, { $gt: ['$expiresAt', endsAt] }] }
    const expiresAt = sooner ? { $cond: [sooner, endsAt, '$expiresAt'] } : '$expiresAt'
    await keys.updateOne({ _id: id, replacedBy: null }, [
      { $set: { replacedBy: successor._id, expiresAt, changedAt: db.now() } },
    ])
    return true
  }

  return {
    async create(key, maxActive) {
      const there = () => find({ _id: key.id })
      const before = await there()
      if (before) return before
      try {
        const made = (await add(key, maxActive, NOTHING)) as KeyRecord | 'too_many'
        // What fills the last place may be this very key, made by another one meanwhile.
        return made === 'too_many' ? ((await there()) ?? made) : made
      } catch (error) {
        const made = isDuplicate(error) ? await there() : undefined
        if (made) return made
        throw error
      }
    },
    async rotate(id, key, { endsAt, atFirstUse, maxActive }) {
      const old = await find({ _id: id })
      if (old?.replacedBy) return 'replaced'
      if (!old || !isGood(old, await db.time())) return 'ended'
      const made = await add(key, maxActive, { replaces: id, endsReplaced: atFirstUse, replacedEndsAt: endsAt })
      if (typeof made !== 'string') await settleReplaced(id)
      return made
    },
    async endReplaced(id) {
      const key = await find({ _id: id })
      if (!key?.endsReplaced || key.replaces === null) return undefined
      const good = { $or: [{ $eq: ['$expiresAt', null] }, { $gt: ['$expiresAt', db.now()] }] }
      return change({ _id: key.replaces, revokedAt: null, $expr: good }, [
        { $set: { expiresAt: db.now(), changedAt: db.now() } },
      ])
    },
    findByDigest: (digest) => byDigest.do(digest),
    get: (id) => find({ _id: id }),
    async list({ user, workspace }, page) {
      const shown = (await db.time()) - KEY_SHOWN_MS
      const conditions: Where[] = [
        ...(user === undefined ? [] : [{ user }]),
        ...(workspace === undefined ? [] : [{ workspace }]),
        { $or: [{ revokedAt: null }, { revokedAt: { $gte: shown } }] },
        { $or: [{ expiresAt: null }, { expiresAt: { $gte: shown } }] },
        ...afterPage(page),
      ]
      return (await keys.find({ $and: conditions }).sort(NEWEST_FIRST).limit(page.limit).toArray()).map(record)
    },
    update: (id, changes) => change({ _id: id }, [set(changes, { changedAt: db.now() })]),
    async revoke(id) {
      const stages = [{ $set: { revokedAt: db.now(), changedAt: db.now() } }, { $unset: ['slot'] }]
      return (await change({ _id: id, revokedAt: null }, stages)) ?? find({ _id: id })
    },
    async revokeByHolder(id, from) {
      const news = { revokedAt: db.now(), from: literal(from) }
      const stages = [{ $set: { revokedAt: db.now(), changedAt: db.now(), news } }, { $unset: ['slot'] }]
      return (await change({ _id: id, revokedAt: null }, stages)) !== undefined
    },
    revokeAll: (of) => endKeys(db, of),
    async markUsed(id, address) {
      // Decided by the update and not by its condition: so it is found by its id alone, and what stays is not written.
      const age = { $abs: { $subtract: [db.now(), { $ifNull: ['$lastUsedAt', 0] }] } }
      const unlessLately = (value: Expression, old: string) => ({
        $cond: [{ $gte: [age, KEY_USED_EVERY_MS] }, value, old],
      })
      const lastUsedAt = unlessLately(db.now(), '$lastUsedAt')
      const lastUsedFrom = unlessLately(literal(address), '$lastUsedFrom')
      await keys.updateOne({ _id: id }, [{ $set: { lastUsedAt, lastUsedFrom } }])
    },
  }
}
