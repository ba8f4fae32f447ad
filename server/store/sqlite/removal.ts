import { factsOf } from '../ports/run-rules.ts'
import { unneededBlobs } from './archives.ts'
import type { Database } from './database.ts'
import { getRun } from './run-record.ts'

/** Rows that one transaction removes: so it takes milliseconds, however large a run was. */
const BATCH = 200

export const REMOVAL_SQL = {
  finished: `SELECT id FROM runs WHERE finishedAt < :finishedBefore ORDER BY finishedAt LIMIT :limit`,
  withLog: `SELECT id FROM runs WHERE hasLog = 1 AND finishedAt < :finishedBefore ORDER BY finishedAt LIMIT :limit`,
  withArtifacts: `SELECT id FROM runs WHERE hasArtifacts = 1 AND finishedAt < :finishedBefore ORDER BY finishedAt LIMIT :limit`,
  cases: `DELETE FROM cases WHERE rowid IN (SELECT rowid FROM cases WHERE run = :run LIMIT ${BATCH})`,
  blocks: 'DELETE FROM case_blocks WHERE run = :run',
  log: `DELETE FROM run_log WHERE rowid IN (SELECT rowid FROM run_log WHERE run = :run LIMIT ${BATCH})`,
  logGone: 'UPDATE runs SET hasLog = 0 WHERE id = :run',
  artifacts: 'DELETE FROM artifacts WHERE run = :run RETURNING sha256',
  // What people see of the run changes only if it had some.
  artifactsGone: `UPDATE runs SET hasArtifacts = 0, version = version + (artifacts > 0), artifacts = 0 WHERE id = :run`,
  replaced: `SELECT sha256 FROM replaced_blobs LIMIT :limit`,
  forgetReplaced: 'DELETE FROM replaced_blobs WHERE sha256 = :sha256',
  fact: `DELETE FROM run_facts WHERE workspace = :workspace AND kind = :kind AND value = :value AND createdAt = :createdAt
    AND run = :run`,
  run: 'DELETE FROM runs WHERE id = :run',
}

type Batch = { finishedBefore: number; limit: number }

const idsOf = (db: Database, sql: string, batch: Batch) => db.all(sql, batch).map((row) => row.id as string)

/** Repeats a step, each time a short transaction of its own, until it answers something. */
async function untilDone<T>(db: Database, step: () => T | undefined): Promise<T> {
  for (;;) {
    const answer = await db.write(step)
    if (answer !== undefined) return answer
  }
}

export async function removeRuns(db: Database, finishedBefore: number, limit: number) {
  const runs = idsOf(db, REMOVAL_SQL.finished, { finishedBefore, limit })
  return { removed: runs.length, blobs: await removeRunsOf(db, runs) }
}

/**
 * Answers blobs that nothing needs any more. Large parts go first and the run itself last: what a crash leaves is found
 * again by the next sweep.
 */
export async function removeRunsOf(db: Database, runs: readonly string[]): Promise<string[]> {
  const blobs: string[] = []
  for (const run of runs) {
    const removed = await untilDone(db, () => {
      if (db.run(REMOVAL_SQL.cases, { run }) === BATCH || db.run(REMOVAL_SQL.log, { run }) === BATCH) return undefined
      return removeRun(db, run)
    })
    blobs.push(...removed)
  }
  return unneededBlobs(db, blobs)
}

function removeRun(db: Database, run: string): string[] {
  const record = getRun(db, run)
  if (!record) return []
  const { workspace, createdAt } = record
  for (const fact of factsOf(record)) db.run(REMOVAL_SQL.fact, { workspace, createdAt, run, ...fact })
  const blobs = db.all(REMOVAL_SQL.artifacts, { run }).map((row) => row.sha256 as string)
  db.run(REMOVAL_SQL.blocks, { run })
  db.run(REMOVAL_SQL.run, { run })
  return blobs
}

/** Answers of how many runs. */
export async function removeLogs(db: Database, finishedBefore: number, limit: number): Promise<number> {
  const runs = idsOf(db, REMOVAL_SQL.withLog, { finishedBefore, limit })
  for (const run of runs) {
    await untilDone(db, () =>
      db.run(REMOVAL_SQL.log, { run }) === BATCH ? undefined : db.run(REMOVAL_SQL.logGone, { run }),
    )
  }
  return runs.length
}

/** Answers the blobs that nothing needs any more, with those of artifacts that were replaced. */
export async function removeArtifacts(db: Database, finishedBefore: number, limit: number): Promise<string[]> {
  const blobs: string[] = []
  for (const run of idsOf(db, REMOVAL_SQL.withArtifacts, { finishedBefore, limit })) {
    const removed = await db.write(() => {
      db.run(REMOVAL_SQL.artifactsGone, { run })
      return db.all(REMOVAL_SQL.artifacts, { run })
    })
    blobs.push(...removed.map((row) => row.sha256 as string))
  }
  const replaced = await db.write(() => {
    const rows = db.all(REMOVAL_SQL.replaced, { limit })
    for (const row of rows) db.run(REMOVAL_SQL.forgetReplaced, row)
    return rows
  })
  return unneededBlobs(db, [...blobs, ...replaced.map((row) => row.sha256 as string)])
}
