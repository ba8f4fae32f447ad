import { ObjectId } from 'mongodb'
import type { CompletedAnswer, Idempotency, IdempotencyScope } from '../ports/idempotency.ts'
import { RESERVED_MS } from '../ports/times.ts'
import { type Database, decoder, joined, literal, set } from './database.ts'
import { isDuplicate } from './errors.ts'

const answerOf = decoder<CompletedAnswer>(['status', 'sealedBody', 'secretOf', 'completedAt'])

export function mongoIdempotency(db: Database): Idempotency {
  const answers = db.collection('idempotency')
  const idOf = ({ workspace, caller, key }: IdempotencyScope) => joined(workspace, caller, key)
  const until = (ms: number) => ({ expiresAt: db.nowPlus(ms), gone: db.goneAt(db.nowPlus(ms)) })

  /** What is there, if it is not over, without a body that is; else this reservation, which is known by its token. */
  async function take(_id: string, meaning: string, token: ObjectId) {
    const fresh = { _id, meaning, token, status: null, sealedBody: null, secretOf: null }
    const made = { $mergeObjects: [literal(fresh), until(RESERVED_MS)] }
    const sealedBody = { $cond: [{ $gt: ['$bodyUntil', db.now()] }, '$sealedBody', null] }
    const kept = { $mergeObjects: ['$$ROOT', { sealedBody }] }
    return answers.findOneAndUpdate(
      { _id },
      [{ $replaceWith: { $cond: [{ $gt: ['$expiresAt', db.now()] }, kept, made] } }],
      { upsert: true, returnDocument: 'after' },
    )
  }

  return {
    async reserve(scope, meaning) {
      const token = new ObjectId()
      const first = await take(idOf(scope), meaning, token).catch((error) => {
        if (isDuplicate(error)) return null
        throw error
      })
      // Another request made it at the same time: now it is there.
      const taken = first ?? (await take(idOf(scope), meaning, token))
      if (token.equals(taken!.token)) return 'reserved'
      if (taken!.meaning !== meaning) return 'reused'
      return taken!.status === null ? 'in_progress' : answerOf(taken!)
    },
    async complete(scope, { status, sealedBody, secretOf }, { answerMs, bodyMs }) {
      const times = { completedAt: db.now(), bodyUntil: db.nowPlus(bodyMs), ...until(answerMs) }
      const answer = set({ status, sealedBody, secretOf }, times)
      await answers.updateOne({ _id: idOf(scope), status: null }, [answer])
    },
    async release(scope) {
      await answers.deleteOne({ _id: idOf(scope), status: null })
    },
    async eraseSecretOf(keyId) {
      await answers.updateMany({ secretOf: keyId, sealedBody: { $ne: null } }, { $set: { sealedBody: null } })
    },
    async expire(limit) {
      const now = await db.time()
      const first = async (over: object, by: string) => {
        const found = await answers
          .find(over, { projection: { _id: 1 } })
          .sort({ [by]: 1 })
          .limit(limit)
          .toArray()
        return { _id: { $in: found.map(({ _id }) => _id) }, ...over }
      }
      const over = await first({ expiresAt: { $lte: now } }, 'expiresAt')
      const { deletedCount } = await answers.deleteMany(over)
      const bodies = await first({ bodyUntil: { $lte: now }, sealedBody: { $gt: '' } }, 'bodyUntil')
      return deletedCount + (await answers.updateMany(bodies, { $set: { sealedBody: null } })).modifiedCount
    },
  }
}
