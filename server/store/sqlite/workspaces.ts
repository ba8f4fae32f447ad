import type { Role } from '../../../contract/scopes.ts'
import type { WorkspaceRecord, Workspaces } from '../ports/workspaces.ts'
import { unneededBlobs } from './archives.ts'
import { CALLBACKS_SQL } from './callbacks.ts'
import { type Database, decoder, pageValues } from './database.ts'
import { removeDeliveries } from './delivery-removal.ts'
import { removeRunsOf } from './removal.ts'
import { WORKERS_SQL } from './workers.ts'

export const WORKSPACES_SQL = {
  insert: 'INSERT INTO workspaces (id, name, createdAt) VALUES (:id, :name, :now)',
  own: `INSERT INTO memberships (user, workspace, role, createdAt, changedAt) VALUES (:owner, :id, 'owner', :now, :now)`,
  get: 'SELECT id, name, createdAt FROM workspaces WHERE id = :id AND deletedAt IS NULL',
  listOf: `SELECT w.id, w.name, m.createdAt, m.role FROM memberships m INDEXED BY memberships_user
    CROSS JOIN workspaces w ON w.id = m.workspace WHERE m.user = :user AND m.role IS NOT NULL AND w.deletedAt IS NULL
    AND (m.createdAt, m.workspace) < (:beforeAt, :beforeId) ORDER BY m.createdAt DESC, m.workspace DESC LIMIT :limit`,
  rename: 'UPDATE workspaces SET name = :name WHERE id = :id AND deletedAt IS NULL',
  delete: 'UPDATE workspaces SET deletedAt = :now WHERE id = :id AND deletedAt IS NULL',
  endMemberships: 'UPDATE memberships SET role = NULL, changedAt = :now WHERE workspace = :id AND role IS NOT NULL',
  endKeys: 'UPDATE keys SET revokedAt = :now, changedAt = :now WHERE workspace = :id AND revokedAt IS NULL',
  endServiceUsers: `UPDATE users SET disabled = 1, deletedAt = :now, changedAt = :now
    WHERE workspace = :id AND kind = 'service' AND deletedAt IS NULL`,
  endInvitations: 'DELETE FROM invitations WHERE workspace = :id',
  callbacks: 'SELECT id FROM callbacks WHERE workspace = :id',
  endTriggers: 'DELETE FROM triggers WHERE workspace = :id',
  deleted:
    'SELECT id FROM workspaces WHERE deletedAt IS NOT NULL AND emptiedAt IS NULL ORDER BY deletedAt LIMIT :limit',
  runs: 'SELECT id, finishedAt FROM runs WHERE workspace = :id ORDER BY createdAt, id LIMIT :limit',
  revisions: 'DELETE FROM revisions WHERE rowid IN (SELECT rowid FROM revisions WHERE workspace = :id LIMIT :limit)',
  suites: 'DELETE FROM suites WHERE rowid IN (SELECT rowid FROM suites WHERE workspace = :id LIMIT :limit)',
  secrets: 'DELETE FROM suite_secrets WHERE workspace = :id',
  deliveries: 'SELECT id, event FROM deliveries WHERE workspace = :id LIMIT :limit',
  callbackSecrets: 'DELETE FROM callback_secrets WHERE workspace = :id',
  suiteStates: 'DELETE FROM suite_states WHERE workspace = :id',
  archives: 'SELECT sha256 FROM archives WHERE workspace = :id LIMIT :limit',
  archive: 'DELETE FROM archives WHERE workspace = :id AND sha256 = :sha256',
  emptied: 'UPDATE workspaces SET emptiedAt = :now WHERE id = :id',
}
const record = decoder<WorkspaceRecord>({})
const listed = decoder<WorkspaceRecord & { role: Role }>({})

export function sqliteWorkspaces(db: Database): Workspaces {
  const get = (id: string) => {
    const row = db.get(WORKSPACES_SQL.get, { id })
    return row && record(row)
  }
  return {
    create: (workspace) =>
      db.write(() => {
        db.run(WORKSPACES_SQL.insert, { ...workspace, now: db.now() })
        db.run(WORKSPACES_SQL.own, { ...workspace, now: db.now() })
        return get(workspace.id)!
      }),
    get: async (id) => get(id),
    listOf: async (user, page) => db.all(WORKSPACES_SQL.listOf, { user, ...pageValues(page) }).map(listed),
    rename: (id, name) =>
      db.write(() => {
        db.run(WORKSPACES_SQL.rename, { id, name })
        return get(id)
      }),
    delete: (id) => db.write(() => endWorkspace(db, id)),
    deleted: async (limit) => db.all(WORKSPACES_SQL.deleted, { limit }).map((row) => row.id as string),
    async removeContents(id, limit) {
      const runs = db.all(WORKSPACES_SQL.runs, { id, limit })
      if (runs.length > 0) {
        const ended = runs.filter((run) => run.finishedAt !== null).map((run) => run.id as string)
        return { done: false, blobs: await removeRunsOf(db, ended) }
      }
      const left = await db.write(() => {
        const removed =
          db.run(WORKSPACES_SQL.revisions, { id, limit }) +
          db.run(WORKSPACES_SQL.suites, { id, limit }) +
          removeDeliveries(db, db.all(WORKSPACES_SQL.deliveries, { id, limit }))
        for (const name of ['secrets', 'callbackSecrets', 'suiteStates'] as const) db.run(WORKSPACES_SQL[name], { id })
        if (removed > 0) return []
        const archives = db.all(WORKSPACES_SQL.archives, { id, limit }).map((row) => row.sha256 as string)
        for (const sha256 of archives) db.run(WORKSPACES_SQL.archive, { id, sha256 })
        if (archives.length > 0) return archives
        db.run(WORKSPACES_SQL.emptied, { id, now: db.now() })
        return undefined
      })
      return left === undefined ? { done: true, blobs: [] } : { done: false, blobs: unneededBlobs(db, left) }
    },
  }
}

/** Within a transaction: nobody is a member any more, no key is good, nothing starts runs or is told, and service users go with it. */
export function endWorkspace(db: Database, id: string): boolean {
  const values = { id, now: db.now() }
  if (db.run(WORKSPACES_SQL.delete, values) === 0) return false
  db.run(WORKSPACES_SQL.endMemberships, values)
  db.run(WORKSPACES_SQL.endKeys, values)
  db.run(WORKSPACES_SQL.endServiceUsers, values)
  db.run(WORKSPACES_SQL.endInvitations, values)
  db.run(WORKERS_SQL.revokeAll, values)
  db.run(WORKSPACES_SQL.endTriggers, values)
  for (const callback of db.all(WORKSPACES_SQL.callbacks, values)) {
    db.run(CALLBACKS_SQL.endPending, { ...callback, now: values.now, error: 'The workspace was deleted.' })
    db.run(CALLBACKS_SQL.delete, callback)
  }
  return true
}
