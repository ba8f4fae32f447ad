import type { ArtifactRecord, Artifacts } from '../ports/artifacts.ts'
import { type Database, decoder, joined, set } from './database.ts'
import { isDuplicate } from './errors.ts'
import { removeArtifacts } from './removal.ts'
import { heldRun } from './run-record.ts'

const record = decoder<ArtifactRecord>(['path', 'bytes', 'sha256'])

export function mongoArtifacts(db: Database): Artifacts {
  const artifacts = db.collection('artifacts')

  return {
    /** The count is that of the documents, so a crash before it is put right by the next artifact. */
    async add({ run, attempt }, artifact) {
      const held = await heldRun(db, { run, attempt })
      if (!held) return 'lost'
      const _id = joined(run, attempt, artifact.path)
      const old = await artifacts.findOne({ _id })
      if (old && old.sha256 !== artifact.sha256) await noteReplaced(db, old.sha256)
      await artifacts.updateOne({ _id }, { $set: { run, attempt, ...artifact } }, { upsert: true })
      const count = await artifacts.countDocuments({ run, attempt })
      const where = { ...held, attempt, state: 'running' }
      const shown = set({ artifacts: count, hasArtifacts: true }, { version: { $add: ['$version', 1] } })
      const { matchedCount } = await db.collection('runs').updateOne({ ...where, artifacts: { $lt: count } }, [shown])
      return matchedCount > 0 || (await heldRun(db, { run, attempt })) ? 'accepted' : 'lost'
    },
    list: async (run, attempt) => (await artifacts.find({ run, attempt }).sort({ path: 1 }).toArray()).map(record),
    async get(run, attempt, path) {
      const found = await artifacts.findOne({ _id: joined(run, attempt, path) })
      return found ? record(found) : undefined
    },
    removeOlder: (finishedBefore, limit) => removeArtifacts(db, finishedBefore, limit),
  }
}

/** Before an artifact is replaced: its blob may be one that nothing needs any more. */
async function noteReplaced(db: Database, sha256: string): Promise<void> {
  await db
    .collection('replaced_blobs')
    .insertOne({ _id: sha256 })
    .catch((error) => {
      if (!isDuplicate(error)) throw error
    })
}
