import type { Case, ReportedCase } from '../../../contract/cases.ts'
import type { Cases } from '../ports/cases.ts'
import { checkSize, type Database, joined } from './database.ts'
import { isOnlyDuplicates } from './errors.ts'
import { locate } from './run-record.ts'

interface Block {
  seq: number
  /** The id of its first case, less one. */
  from: number
  count: number
}

/**
 * Cases are documents of their own. A block first takes its ids in the run's document, in one write that is the fence, too:
 * so a block that is repeated, also after half of it was written, has the ids that it had.
 */
export function mongoCases(db: Database): Cases {
  const cases = db.collection('cases')

  async function takeIds(lease: { run: string; attempt: number }, seq: number, count: number) {
    const where = { ...(await locate(db, lease.run)), attempt: lease.attempt, state: 'running' }
    const isThere = { $in: [seq, { $map: { input: '$caseBlocks', as: 'b', in: '$$b.seq' } }] }
    const block = { seq, from: '$caseCount', count }
    const run = await db.collection('runs').findOneAndUpdate(
      where,
      [
        {
          $set: {
            caseBlocks: { $cond: [isThere, '$caseBlocks', { $concatArrays: ['$caseBlocks', [block]] }] },
            caseCount: { $cond: [isThere, '$caseCount', { $add: ['$caseCount', count] }] },
            casesAt: db.now(),
          },
        },
      ],
      { returnDocument: 'after', projection: { caseBlocks: 1, casesAt: 1 } },
    )
    if (!run) return undefined
    return { ...(run.caseBlocks as Block[]).find((one) => one.seq === seq)!, at: new Date(run.casesAt) }
  }

  return {
    async append(lease, seq, reported) {
      const block = await takeIds(lease, seq, reported.length)
      if (!block) return 'lost'
      const docs = reported.slice(0, block.count).map((content, i) => {
        const id = block.from + i + 1
        const { run, attempt } = lease
        return { _id: joined(run, attempt, id), run, attempt, id, ...content, at: block.at }
      })
      for (const doc of docs) checkSize('cases', doc)
      if (docs.length === 0) return 'accepted'
      await cases.insertMany(docs, { ordered: false }).catch((error) => {
        if (!isOnlyDuplicates(error)) throw error
      })
      return 'accepted'
    },
    async list(run, attempt, { state, afterId, limit }) {
      const found = await cases
        .find({ run, attempt, ...(state === undefined ? {} : { state }), id: { $gt: afterId } })
        .sort({ id: 1 })
        .limit(limit)
        .toArray()
      return found.map(
        ({ _id, run: _run, attempt: _attempt, at: _at, ...content }): Case => content as Case & ReportedCase,
      )
    },
  }
}
