import type { UserRecord, Users } from '../ports/users.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'

const COLUMNS = 'id, kind, externalId, email, name, metadata, limits, workspace, admin, disabled, createdAt'
export const USERS_SQL = {
  get: `SELECT ${COLUMNS} FROM users WHERE id = :id`,
  withEmail: 'SELECT 1 FROM users WHERE emailFolded = :emailFolded',
  withExternalId: 'SELECT 1 FROM users WHERE externalId = :externalId',
  insert: `INSERT INTO users (${COLUMNS}, emailFolded, changedAt) VALUES (:id, :kind, :externalId, :email, :name, :metadata,
    :limits, :workspace, :admin, :disabled, :now, :emailFolded, :now)`,
  insertWorkspace: 'INSERT INTO workspaces (id, name, createdAt) VALUES (:workspace, :workspaceName, :now)',
  insertMembership: `INSERT INTO memberships (user, workspace, role, createdAt, changedAt)
    VALUES (:id, :workspace, :role, :now, :now)`,
  list: `SELECT ${COLUMNS} FROM users WHERE ${PAGE}`,
  listOfWorkspace: `SELECT ${COLUMNS} FROM users WHERE workspace = :workspace AND ${PAGE}`,
  count: 'SELECT count(*) AS n FROM users',
}
const record = decoder<UserRecord>({ json: ['metadata', 'limits'], flags: ['admin', 'disabled'] })

export function sqliteUsers(db: Database): Users {
  return {
    create: (user, membership) =>
      db.write(() => {
        const emailFolded = user.email?.toLowerCase() ?? null
        const { role, newWorkspace } = membership
        const values = { ...user, emailFolded, role, workspaceName: newWorkspace?.name, now: db.now() }
        if (emailFolded !== null && db.get(USERS_SQL.withEmail, values)) return 'email_taken'
        if (user.externalId !== null && db.get(USERS_SQL.withExternalId, values)) return 'external_id_taken'
        if (newWorkspace) db.run(USERS_SQL.insertWorkspace, values)
        db.run(USERS_SQL.insert, values)
        db.run(USERS_SQL.insertMembership, values)
        return record(db.get(USERS_SQL.get, { id: user.id })!)
      }),
    async get(id) {
      const row = db.get(USERS_SQL.get, { id })
      return row && record(row)
    },
    async list({ workspace }, page) {
      const sql = workspace === undefined ? USERS_SQL.list : USERS_SQL.listOfWorkspace
      return db.all(sql, { workspace, ...pageValues(page) }).map(record)
    },
    count: async () => Number(db.get(USERS_SQL.count)!.n),
  }
}
