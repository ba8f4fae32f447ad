import type { RevisionRecord, SuiteRecord, Suites } from '../ports/suites.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'

const NAMES_MAX = 1000
const COLUMNS = 'id, workspace, name, revision, digest, definition, repository, locked, createdAt, updatedAt'
const REVISION_COLUMNS = 'id, workspace, suite, revision, digest, definition, source, createdAt, createdBy'
export const SUITES_SQL = {
  get: `SELECT ${COLUMNS} FROM suites WHERE workspace = :workspace AND name = :name`,
  list: `SELECT ${COLUMNS} FROM suites WHERE workspace = :workspace AND ${PAGE}`,
  names: `SELECT name FROM suites WHERE workspace = :workspace ORDER BY name LIMIT ${NAMES_MAX}`,
  insert: `INSERT INTO suites (${COLUMNS})
    VALUES (:id, :workspace, :name, :revision, :digest, :definition, :repository, :locked, :createdAt, :updatedAt)`,
  update: `UPDATE suites SET revision = :revision, digest = :digest, definition = :definition, repository = :repository,
    locked = :locked, updatedAt = :updatedAt WHERE workspace = :workspace AND name = :name`,
  delete: 'DELETE FROM suites WHERE workspace = :workspace AND name = :name',
  deleteRevisions: 'DELETE FROM revisions WHERE workspace = :workspace AND suite = :name',
  deleteSecrets: 'DELETE FROM suite_secrets WHERE workspace = :workspace AND suite = :name',
  insertRevision: `INSERT INTO revisions (${REVISION_COLUMNS}, archive)
    VALUES (:id, :workspace, :suite, :revision, :digest, :definition, :source, :createdAt, :createdBy, :archive)`,
  revision: `SELECT ${REVISION_COLUMNS} FROM revisions
    WHERE workspace = :workspace AND suite = :name AND revision = :revision`,
  revisions: `SELECT ${REVISION_COLUMNS} FROM revisions WHERE workspace = :workspace AND suite = :name AND ${PAGE}`,
}
const record = decoder<SuiteRecord>({ json: ['definition'], flags: ['locked'] })
const revisionRecord = decoder<RevisionRecord>({ json: ['definition', 'source'] })

export function sqliteSuites(db: Database): Suites {
  function get(workspace: string, name: string) {
    const row = db.get(SUITES_SQL.get, { workspace, name })
    return row && record(row)
  }

  function revisionOf(workspace: string, name: string, revision: number) {
    const row = db.get(SUITES_SQL.revision, { workspace, name, revision })
    return row && revisionRecord(row)
  }

  return {
    push: (workspace, name, push) =>
      db.write(() => {
        const now = db.now()
        const { definition, digest, source, createdBy } = push
        const old = get(workspace, name)
        if (old?.repository != null && source.repository !== null && old.repository !== source.repository) {
          if (!push.takeOver) return { conflict: 'other_repository' as const, repository: old.repository }
        }
        if (old?.locked && !definition.locked && !push.owner) return { conflict: 'owner_needed' as const }
        const made = old?.digest !== digest
        const repository = source.repository ?? old?.repository ?? null
        if (old && !made && repository === old.repository) return { suite: old, made }

        const revision = made ? (old?.revision ?? 0) + 1 : old.revision
        const base = old ?? { id: push.suiteId, workspace, name, createdAt: now }
        const suite = { ...base, revision, digest, definition, repository, locked: definition.locked, updatedAt: now }
        db.run(old ? SUITES_SQL.update : SUITES_SQL.insert, suite)
        if (made) {
          const archive = definition.archive
          const entry = { id: push.revisionId, workspace, suite: name, revision, digest, definition, source, archive }
          db.run(SUITES_SQL.insertRevision, { ...entry, createdAt: now, createdBy })
        }
        return { suite, made }
      }),
    async record(workspace, name, id, repository) {
      if (get(workspace, name)) return
      await db.write(() => {
        if (get(workspace, name)) return
        const now = db.now()
        db.run(SUITES_SQL.insert, { id, workspace, name, repository, locked: false, createdAt: now, updatedAt: now })
      })
    },
    get: async (workspace, name) => get(workspace, name),
    async current(workspace, name) {
      const suite = get(workspace, name)
      if (!suite) return undefined
      return { suite, revision: suite.revision === null ? null : (revisionOf(workspace, name, suite.revision) ?? null) }
    },
    list: async (workspace, page) => db.all(SUITES_SQL.list, { workspace, ...pageValues(page) }).map(record),
    names: async (workspace) => db.all(SUITES_SQL.names, { workspace }).map((row) => row.name as string),
    revision: async (workspace, name, revision) => revisionOf(workspace, name, revision),
    revisions: async (workspace, name, page) =>
      db.all(SUITES_SQL.revisions, { workspace, name, ...pageValues(page) }).map(revisionRecord),
    delete: (workspace, name) =>
      db.write(() => {
        db.run(SUITES_SQL.deleteSecrets, { workspace, name })
        db.run(SUITES_SQL.deleteRevisions, { workspace, name })
        return db.run(SUITES_SQL.delete, { workspace, name }) > 0
      }),
  }
}
