import type { ArtifactRecord, Artifacts } from '../ports/artifacts.ts'
import { type Database, decoder } from './database.ts'
import { removeArtifacts } from './removal.ts'
import { heldRun } from './run-record.ts'

export const ARTIFACTS_SQL = {
  get: 'SELECT path, bytes, sha256 FROM artifacts WHERE run = :run AND attempt = :attempt AND path = :path',
  list: 'SELECT path, bytes, sha256 FROM artifacts WHERE run = :run AND attempt = :attempt ORDER BY path',
  put: `INSERT INTO artifacts (run, attempt, path, bytes, sha256) VALUES (:run, :attempt, :path, :bytes, :sha256)
    ON CONFLICT DO UPDATE SET bytes = excluded.bytes, sha256 = excluded.sha256`,
  keepReplaced: 'INSERT INTO replaced_blobs (sha256) VALUES (:replaced) ON CONFLICT DO NOTHING',
  counted: `UPDATE runs SET artifacts = artifacts + 1, hasArtifacts = 1, version = version + 1 WHERE id = :run`,
}
const record = decoder<ArtifactRecord>({})

export function sqliteArtifacts(db: Database): Artifacts {
  function get(run: string, attempt: number, path: string) {
    const row = db.get(ARTIFACTS_SQL.get, { run, attempt, path })
    return row && record(row)
  }
  return {
    add: ({ run, attempt }, artifact) =>
      db.write(() => {
        if (!heldRun(db, { run, attempt })) return 'lost'
        const old = get(run, attempt, artifact.path)
        db.run(ARTIFACTS_SQL.put, { run, attempt, ...artifact })
        if (!old) db.run(ARTIFACTS_SQL.counted, { run })
        else if (old.sha256 !== artifact.sha256) db.run(ARTIFACTS_SQL.keepReplaced, { replaced: old.sha256 })
        return 'accepted'
      }),
    list: async (run, attempt) => db.all(ARTIFACTS_SQL.list, { run, attempt }).map(record),
    get: async (run, attempt, path) => get(run, attempt, path),
    removeOlder: (finishedBefore, limit) => removeArtifacts(db, finishedBefore, limit),
  }
}
