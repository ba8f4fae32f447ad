import type { ArchiveRecord, Archives } from '../ports/archives.ts'
import { ARCHIVE_USED_EVERY_MS } from '../ports/times.ts'
import { type Database, decoder } from './database.ts'

const COLUMNS = 'workspace, sha256, bytes, filesDigest, createdAt, lastUsedAt'
const KEY = 'workspace = :workspace AND sha256 = :sha256'
export const ARCHIVES_SQL = {
  get: `SELECT ${COLUMNS} FROM archives WHERE ${KEY}`,
  total: 'SELECT archiveBytes FROM workspace_totals WHERE workspace = :workspace',
  insert: `INSERT INTO archives (${COLUMNS}, revisions) VALUES (:workspace, :sha256, :bytes, :filesDigest, :now, :now,
    (SELECT count(*) FROM revisions WHERE workspace = :workspace AND archive = :sha256))`,
  markUsed: `UPDATE archives SET lastUsedAt = :now WHERE ${KEY}`,
  unused: `SELECT workspace, sha256 FROM archives WHERE revisions = 0 AND lastUsedAt < :unusedSince
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.workspace = archives.workspace AND runs.archive = archives.sha256
      AND runs.finishedAt IS NULL) ORDER BY lastUsedAt LIMIT :limit`,
  delete: `DELETE FROM archives WHERE ${KEY}`,
}
/** Whether anything needs the blob. */
export const BLOBS_SQL = {
  needed: `SELECT EXISTS (SELECT 1 FROM archives WHERE sha256 = :sha256)
    OR EXISTS (SELECT 1 FROM artifacts WHERE sha256 = :sha256) AS needed`,
}
const record = decoder<ArchiveRecord>({})

export function sqliteArchives(db: Database): Archives {
  function get(workspace: string, sha256: string) {
    const row = db.get(ARCHIVES_SQL.get, { workspace, sha256 })
    return row && record(row)
  }

  return {
    add: (archive, quotaBytes) =>
      db.write(() => {
        const { workspace, sha256, bytes } = archive
        const values = { ...archive, now: db.now() }
        if (get(workspace, sha256)) db.run(ARCHIVES_SQL.markUsed, values)
        else {
          const total = Number(db.get(ARCHIVES_SQL.total, values)?.archiveBytes ?? 0)
          if (total + bytes > quotaBytes) return 'quota'
          db.run(ARCHIVES_SQL.insert, values)
        }
        return get(workspace, sha256)!
      }),
    get: async (workspace, sha256) => get(workspace, sha256),
    async markUsed(workspace, sha256) {
      const archive = get(workspace, sha256)
      if (!archive || Math.abs(db.now() - archive.lastUsedAt) < ARCHIVE_USED_EVERY_MS) return
      await db.write(() => db.run(ARCHIVES_SQL.markUsed, { workspace, sha256, now: db.now() }))
    },
    removeUnused: (unusedSince, limit) =>
      db.write(() => {
        const rows = db.all(ARCHIVES_SQL.unused, { unusedSince, limit })
        for (const row of rows) db.run(ARCHIVES_SQL.delete, row)
        return unneededBlobs(
          db,
          rows.map((row) => row.sha256 as string),
        )
      }),
  }
}

/** Those of the blobs that no archive and no artifact needs, each once. */
export function unneededBlobs(db: Database, blobs: readonly string[]): string[] {
  return [...new Set(blobs)].filter((sha256) => db.get(BLOBS_SQL.needed, { sha256 })?.needed === 0)
}
