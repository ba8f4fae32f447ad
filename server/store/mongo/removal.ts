import { unneededBlobs } from './blob-needs.ts'
import type { Database, Doc } from './database.ts'
import { theRun } from './run-record.ts'

/** Runs of which something old is to be removed, by the field that says that they have it. */
export const OLD = {
  runs: {},
  logs: { hasLog: true },
  artifacts: { hasArtifacts: true },
} as const

async function finished(db: Database, what: object, finishedBefore: number, limit: number): Promise<Doc[]> {
  const where = { ...what, finishedAt: { $gte: 0, $lt: finishedBefore } }
  return db
    .collection('runs')
    .find(where, { projection: { bucket: 1, workspace: 1 } })
    .sort({ finishedAt: 1 })
    .limit(limit)
    .toArray()
}

export async function removeRuns(db: Database, finishedBefore: number, limit: number) {
  const runs = await finished(db, OLD.runs, finishedBefore, limit)
  return { removed: runs.length, blobs: await removeRunsOf(db, runs) }
}

/**
 * Answers blobs that nothing needs any more. Parts go first and the run itself last: what a crash leaves is found again by
 * the next sweep.
 */
export async function removeRunsOf(db: Database, runs: readonly Doc[]): Promise<string[]> {
  const blobs: string[] = []
  for (const run of runs) {
    await db.collection('cases').deleteMany({ run: run._id })
    await db.collection('run_log').deleteMany({ run: run._id })
    blobs.push(...(await removeArtifactsOf(db, run._id)))
    await db.collection('runs').deleteOne(theRun(db, run))
  }
  return unneededBlobs(db, blobs)
}

/** Answers of how many runs. */
export async function removeLogs(db: Database, finishedBefore: number, limit: number): Promise<number> {
  const runs = await finished(db, OLD.logs, finishedBefore, limit)
  for (const run of runs) {
    await db.collection('run_log').deleteMany({ run: run._id })
    await db.collection('runs').updateOne(theRun(db, run), { $unset: { hasLog: '' } })
  }
  return runs.length
}

/** Answers the blobs that nothing needs any more, with those of artifacts that were replaced. */
export async function removeArtifacts(db: Database, finishedBefore: number, limit: number): Promise<string[]> {
  const blobs: string[] = []
  for (const run of await finished(db, OLD.artifacts, finishedBefore, limit)) {
    blobs.push(...(await removeArtifactsOf(db, run._id)))
    // What people see of the run changes only if it had some.
    const shown = { $add: ['$version', { $cond: [{ $gt: ['$artifacts', 0] }, 1, 0] }] }
    await db
      .collection('runs')
      .updateOne(theRun(db, run), [{ $set: { version: shown, artifacts: 0 } }, { $unset: ['hasArtifacts'] }])
  }
  const replaced = await db.collection('replaced_blobs').find().limit(limit).toArray()
  const unneeded = await unneededBlobs(db, [...blobs, ...replaced.map(({ _id }) => _id)])
  await db.collection('replaced_blobs').deleteMany({ _id: { $in: replaced.map(({ _id }) => _id) } })
  return unneeded
}

async function removeArtifactsOf(db: Database, run: string): Promise<string[]> {
  const artifacts = db.collection('artifacts')
  const found = await artifacts.find({ run }, { projection: { sha256: 1 } }).toArray()
  await artifacts.deleteMany({ run })
  return found.map(({ sha256 }) => sha256)
}
