import type { CallbackRecord, Callbacks, SealedSecret } from '../ports/callbacks.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'
import { announce } from './outbox.ts'
import { rotated } from './secrets.ts'

const COLUMNS = `id, workspace, target, events, suites, branches, description, secrets, failingSince, disabledAt,
  disabledReason, createdAt, updatedAt`
export const CALLBACKS_SQL = {
  count: 'SELECT count(*) AS n FROM callbacks WHERE workspace = :workspace',
  insert: `INSERT INTO callbacks (id, workspace, target, events, suites, branches, description, secrets, createdAt, updatedAt)
    VALUES (:id, :workspace, :target, :events, :suites, :branches, :description, :secrets, :now, :now)`,
  get: `SELECT ${COLUMNS} FROM callbacks WHERE id = :id`,
  list: `SELECT ${COLUMNS} FROM callbacks WHERE workspace = :workspace AND ${PAGE}`,
  active: `SELECT ${COLUMNS} FROM callbacks WHERE workspace = :workspace AND disabledAt IS NULL`,
  update: `UPDATE callbacks SET target = :target, events = :events, suites = :suites, branches = :branches,
    description = :description, secrets = :secrets, updatedAt = :now WHERE id = :id`,
  disable: `UPDATE callbacks SET disabledAt = :now, disabledReason = :reason, updatedAt = :now
    WHERE id = :id AND disabledAt IS NULL`,
  enable: `UPDATE callbacks SET disabledAt = NULL, disabledReason = NULL, failingSince = NULL, updatedAt = :now
    WHERE id = :id`,
  delete: 'DELETE FROM callbacks WHERE id = :id',
  endPending: `UPDATE deliveries SET state = 'failed', nextAt = NULL, finishedAt = :now, lastError = :error
    WHERE state = 'pending' AND endpoint = :id`,
  workspaceSecrets: 'SELECT secrets FROM callback_secrets WHERE workspace = :workspace',
  setWorkspaceSecrets: `INSERT INTO callback_secrets (workspace, secrets) VALUES (:workspace, :secrets)
    ON CONFLICT DO UPDATE SET secrets = excluded.secrets`,
}
const record = decoder<CallbackRecord>({ json: ['target', 'events', 'suites', 'branches', 'secrets'] })

export function sqliteCallbacks(db: Database): Callbacks {
  function get(id: string): CallbackRecord | undefined {
    const row = db.get(CALLBACKS_SQL.get, { id })
    return row && record(row)
  }
  function update(id: string, change: Partial<CallbackRecord>): CallbackRecord | undefined {
    const callback = get(id)
    if (!callback) return undefined
    db.run(CALLBACKS_SQL.update, { ...callback, ...change, now: db.now() })
    return get(id)
  }
  function workspaceSecrets(workspace: string): SealedSecret[] | undefined {
    const row = db.get(CALLBACKS_SQL.workspaceSecrets, { workspace })
    return row && (JSON.parse(row.secrets as string) as SealedSecret[])
  }

  return {
    create: (callback, max) =>
      db.write(() => {
        if (Number(db.get(CALLBACKS_SQL.count, callback)!.n) >= max) return 'too_many'
        db.run(CALLBACKS_SQL.insert, { ...callback, now: db.now() })
        return get(callback.id)!
      }),
    get: async (id) => get(id),
    list: async (workspace, page) => db.all(CALLBACKS_SQL.list, { workspace, ...pageValues(page) }).map(record),
    active: async (workspace) => db.all(CALLBACKS_SQL.active, { workspace }).map(record),
    update: (id, change) => db.write(() => update(id, change)),
    rotate: (id, sealed, oldUntil) =>
      db.write(() => {
        const callback = get(id)
        return callback && update(id, { secrets: rotated(callback.secrets, sealed, oldUntil, db.now()) })
      }),
    disable: (id, reason) =>
      db.write(() => {
        const now = db.now()
        if (db.run(CALLBACKS_SQL.disable, { id, reason, now }) === 0) return false
        db.run(CALLBACKS_SQL.endPending, { id, now, error: 'The callback was disabled.' })
        const { workspace, target, description } = get(id)!
        const callback = { id, kind: target.kind, description }
        announce(db, workspace, { type: 'callback.disabled', callback, reason })
        return true
      }),
    enable: (id) =>
      db.write(() => {
        db.run(CALLBACKS_SQL.enable, { id, now: db.now() })
        return get(id)
      }),
    delete: (id) =>
      db.write(() => {
        db.run(CALLBACKS_SQL.endPending, { id, now: db.now(), error: 'The callback was deleted.' })
        return db.run(CALLBACKS_SQL.delete, { id }) > 0
      }),
    workspaceSecrets: (workspace, sealed) =>
      db.write(() => {
        const kept = workspaceSecrets(workspace)
        if (kept) return kept
        const secrets = [{ sealed, until: null }]
        db.run(CALLBACKS_SQL.setWorkspaceSecrets, { workspace, secrets })
        return secrets
      }),
    rotateWorkspaceSecret: (workspace, sealed, oldUntil) =>
      db.write(() => {
        const before = workspaceSecrets(workspace)
        const secrets = rotated(before ?? [], sealed, oldUntil, db.now())
        db.run(CALLBACKS_SQL.setWorkspaceSecrets, { workspace, secrets })
        return before !== undefined
      }),
  }
}
