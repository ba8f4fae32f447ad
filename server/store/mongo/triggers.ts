import { WEBHOOK_KNOWN_MS } from '../ports/times.ts'
import type { TriggerRecord, Triggers } from '../ports/triggers.ts'
import { afterPage, type Database, type Doc, decoder, joined, NEWEST_FIRST, set } from './database.ts'
import { takePlace } from './places.ts'
import { rotateSecrets } from './secrets.ts'

const record = decoder<TriggerRecord>(
  [
    ...([
      'id',
      'workspace',
      'suite',
      'kind',
      'source',
      'events',
      'branches',
      'repositories',
      'forks',
      'variables',
    ] as const),
    ...(['callbackUrl', 'description', 'secrets', 'disabled', 'createdAt', 'updatedAt'] as const),
  ],
  ['variables'],
)
const asText = ({ variables }: Partial<TriggerRecord>) =>
  variables === undefined ? {} : { variables: JSON.stringify(variables) }

export function mongoTriggers(db: Database): Triggers {
  const triggers = db.collection('triggers')
  const known = db.collection('trigger_runs')
  const maybe = (found: Doc | null | undefined) => (found ? record(found) : undefined)

  return {
    async create(trigger, max) {
      const { id, ...fields } = trigger
      const stamps = { createdAt: db.now(), updatedAt: db.now() }
      const made = await db.insert('triggers', { _id: id, ...fields, ...asText(trigger) }, stamps)
      const among = { where: { workspace: trigger.workspace }, field: 'slot', places: max }
      if (await takePlace(db, 'triggers', { _id: id }, among)) return record(made)
      await triggers.deleteOne({ _id: id })
      return 'too_many'
    },
    get: async (id) => maybe(await triggers.findOne({ _id: id })),
    async list(workspace, page) {
      const where = { $and: [{ workspace }, ...afterPage(page)] }
      return (await triggers.find(where).sort(NEWEST_FIRST).limit(page.limit).toArray()).map(record)
    },
    async update(id, change) {
      const stage = set({ ...change, ...asText(change) }, { updatedAt: db.now() })
      return maybe(await triggers.findOneAndUpdate({ _id: id }, [stage], { returnDocument: 'after' }))
    },
    rotate: async (id, sealed, oldUntil) => maybe(await rotateSecrets(db, 'triggers', { _id: id }, sealed, oldUntil)),
    delete: async (id) => (await triggers.deleteOne({ _id: id })).deletedCount > 0,
    async runOf(trigger, tokens) {
      const since = (await db.time()) - WEBHOOK_KNOWN_MS
      const ids = tokens.map((token) => joined(trigger, token))
      const found = await known.find({ _id: { $in: ids }, createdAt: { $gt: since } }).toArray()
      // The first token that is known, in their order.
      return ids
        .map((id) => found.find(({ _id }) => _id === id)?.run as string | undefined)
        .find((run) => run !== undefined)
    },
    async noteRun(trigger, tokens, run) {
      const stamps = { createdAt: db.now(), gone: db.goneAt(db.nowPlus(WEBHOOK_KNOWN_MS)) }
      for (const token of tokens) {
        await known.updateOne({ _id: joined(trigger, token) }, [set({ run }, stamps)], { upsert: true })
      }
    },
    async expire(limit) {
      const over = { createdAt: { $lte: (await db.time()) - WEBHOOK_KNOWN_MS } }
      const old = await known
        .find(over, { projection: { _id: 1 } })
        .sort({ createdAt: 1 })
        .limit(limit)
        .toArray()
      return (await known.deleteMany({ _id: { $in: old.map(({ _id }) => _id) }, ...over })).deletedCount
    },
  }
}
