import { ObjectId } from 'mongodb'
import type { CompletedAnswer, Idempotency, IdempotencyScope } from '../ports/idempotency.ts'
import { RESERVED_MS } from '../ports/times.ts'
import { type Database, decoder, joined, literal, set } from './database.ts'
import { isDuplicate } from './errors.ts'

const answerOf = decoder<CompletedAnswer>(['status', 'sealedBody', 'secretOf'])

export function mongoIdempotency(db: Database): Idempotency {
  const answers = db.collection('idempotency')
  const idOf = ({ workspace, caller, key }: IdempotencyScope) => joined(workspace, caller, key)
  const until = (ms: number) => ({ expiresAt: db.nowPlus(ms), gone: db.goneAt(db.nowPlus(ms)) })

  /** What is there, if it is not over; else this reservation, which is known by its token. */
  async function take(_id: string, meaning: string, token: ObjectId) {
    const fresh = { _id, meaning, token, status: null, sealedBody: null, secretOf: null }
    const made = { $mergeObjects: [literal(fresh), until(RESERVED_MS)] }
    return answers.findOneAndUpdate(
      { _id },
      [{ $replaceWith: { $cond: [{ $gt: ['$expiresAt', db.now()] }, '$$ROOT', made] } }],
      { upsert: true, returnDocument: 'after' },
    )
  }

  return {
    async reserve(scope, meaning) {
      const token = new ObjectId()
      const taken = await take(idOf(scope), meaning, token).catch((error) => {
        if (isDuplicate(error)) return take(idOf(scope), meaning, token)
        throw error
      })
      if (token.equals(taken!.token)) return 'reserved'
      if (taken!.meaning !== meaning) return 'reused'
      return taken!.status === null ? 'in_progress' : answerOf(taken!)
    },
    async complete(scope, { status, sealedBody, secretOf }, keepMs) {
      const answer = set({ status, sealedBody, secretOf }, until(keepMs))
      await answers.updateOne({ _id: idOf(scope), status: null }, [answer])
    },
    async release(scope) {
      await answers.deleteOne({ _id: idOf(scope), status: null })
    },
    async eraseSecretOf(keyId) {
      await answers.updateMany({ secretOf: keyId, sealedBody: { $ne: null } }, { $set: { sealedBody: null } })
    },
    async expire(limit) {
      const over = { expiresAt: { $lte: await db.time() } }
      const found = await answers
        .find(over, { projection: { _id: 1 } })
        .sort({ expiresAt: 1 })
        .limit(limit)
        .toArray()
      return (await answers.deleteMany({ _id: { $in: found.map(({ _id }) => _id) }, ...over })).deletedCount
    },
  }
}
