import type { Role } from '../../../contract/scopes.ts'
import type { UserRecord, Users } from '../ports/users.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'
import { hasOtherOwner } from './memberships.ts'
import { endWorkspace } from './workspaces.ts'

const COLUMNS =
  'id, kind, externalId, externalIssuer, email, name, metadata, limits, workspace, admin, disabled, createdAt'
export const USERS_SQL = {
  get: `SELECT ${COLUMNS} FROM users WHERE id = :id AND deletedAt IS NULL`,
  ofExternalId: `SELECT ${COLUMNS} FROM users WHERE externalIssuer = :externalIssuer AND externalId = :externalId`,
  emailOfOther: 'SELECT 1 FROM users WHERE emailFolded = :emailFolded AND id <> :id',
  update: `UPDATE users SET email = :email, emailFolded = :emailFolded, name = :name, metadata = :metadata, limits = :limits,
    disabled = :disabled, changedAt = :now WHERE id = :id`,
  memberships: 'SELECT workspace, role FROM memberships WHERE user = :id AND role IS NOT NULL',
  otherPerson: `SELECT 1 FROM memberships m INDEXED BY memberships_members CROSS JOIN users u ON u.id = m.user
    WHERE m.workspace = :workspace AND m.role IS NOT NULL AND m.user <> :id AND u.kind = 'person' LIMIT 1`,
  endMemberships: 'UPDATE memberships SET role = NULL, changedAt = :now WHERE user = :id AND role IS NOT NULL',
  endKeys: 'UPDATE keys SET revokedAt = :now, changedAt = :now WHERE user = :id AND revokedAt IS NULL',
  delete: `UPDATE users SET disabled = 1, deletedAt = :now, changedAt = :now, externalId = NULL, email = NULL,
    emailFolded = NULL, name = NULL, metadata = '{}', admin = 0 WHERE id = :id`,
  withEmail: 'SELECT 1 FROM users WHERE emailFolded = :emailFolded',
  withExternalId: 'SELECT 1 FROM users WHERE externalIssuer = :externalIssuer AND externalId = :externalId',
  insert: `INSERT INTO users (${COLUMNS}, emailFolded, changedAt) VALUES (:id, :kind, :externalId, :externalIssuer, :email, :name, :metadata,
    :limits, :workspace, :admin, :disabled, :now, :emailFolded, :now)`,
  insertWorkspace: 'INSERT INTO workspaces (id, name, createdAt) VALUES (:workspace, :workspaceName, :now)',
  insertMembership: `INSERT INTO memberships (user, workspace, role, createdAt, changedAt)
    VALUES (:id, :workspace, :role, :now, :now)`,
  list: `SELECT ${COLUMNS} FROM users WHERE deletedAt IS NULL AND ${PAGE}`,
  listOfWorkspace: `SELECT ${COLUMNS} FROM users WHERE workspace = :workspace AND deletedAt IS NULL AND ${PAGE}`,
  count: 'SELECT count(*) AS n FROM users',
}
const membershipOf = decoder<{ workspace: string; role: Role }>({})
const record = decoder<UserRecord>({ json: ['metadata', 'limits'], flags: ['admin', 'disabled'] })

export function sqliteUsers(db: Database): Users {
  const get = (id: string) => {
    const row = db.get(USERS_SQL.get, { id })
    return row && record(row)
  }
  return {
    create: (user, membership) =>
      db.write(() => {
        const there = get(user.id)
        if (there) return there
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
    get: async (id) => get(id),
    async findByExternalId(externalIssuer, externalId) {
      const row = db.get(USERS_SQL.ofExternalId, { externalIssuer, externalId })
      return row && record(row)
    },
    update: (id, change) =>
      db.write(() => {
        const before = get(id)
        if (!before) return undefined
        const user = { ...before, ...change }
        const emailFolded = user.email?.toLowerCase() ?? null
        if (emailFolded !== null && db.get(USERS_SQL.emailOfOther, { id, emailFolded })) return 'email_taken'
        db.run(USERS_SQL.update, { ...user, emailFolded, now: db.now() })
        return get(id)
      }),
    delete: (id) =>
      db.write(() => {
        if (!get(id)) return undefined
        const memberships = db.all(USERS_SQL.memberships, { id }).map(membershipOf)
        const isShared = (workspace: string) => db.get(USERS_SQL.otherPerson, { id, workspace }) !== undefined
        const alone = memberships.filter(({ workspace }) => !isShared(workspace))
        const wouldOrphan = memberships.some(
          (one) => one.role === 'owner' && !alone.includes(one) && !hasOtherOwner(db, id, one.workspace),
        )
        if (wouldOrphan) return 'last_owner'
        const values = { id, now: db.now() }
        db.run(USERS_SQL.endMemberships, values)
        db.run(USERS_SQL.endKeys, values)
        db.run(USERS_SQL.delete, values)
        return { emptied: alone.map(({ workspace }) => workspace).filter((workspace) => endWorkspace(db, workspace)) }
      }),
    async list({ workspace }, page) {
      const sql = workspace === undefined ? USERS_SQL.list : USERS_SQL.listOfWorkspace
      return db.all(sql, { workspace, ...pageValues(page) }).map(record)
    },
    count: async () => Number(db.get(USERS_SQL.count)!.n),
  }
}
