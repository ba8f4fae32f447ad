import type { MemberRecord, MembershipRecord, Memberships } from '../ports/memberships.ts'
import { type Database, decoder, PAGE, pageValues } from './database.ts'

// A user's own page of members is by when they came, so PAGE's createdAt and id are those of the membership.
const MEMBERS_PAGE = PAGE.replace('(createdAt, id)', '(m.createdAt, m.user)').replace(
  'createdAt DESC, id DESC',
  'm.createdAt DESC, m.user DESC',
)
export const MEMBERSHIPS_SQL = {
  get: `SELECT m.user, m.workspace, w.name AS workspaceName, m.role FROM memberships m JOIN workspaces w ON w.id = m.workspace
    WHERE m.user = :user AND m.workspace = :workspace AND m.role IS NOT NULL AND w.deletedAt IS NULL`,
  list: `SELECT m.user AS id, u.kind, u.name, u.email, m.role, m.createdAt
    FROM memberships m INDEXED BY memberships_members CROSS JOIN users u ON u.id = m.user
    WHERE m.workspace = :workspace AND m.role IS NOT NULL AND ${MEMBERS_PAGE}`,
  add: `INSERT INTO memberships (user, workspace, role, createdAt, changedAt) VALUES (:user, :workspace, :role, :now, :now)
    ON CONFLICT DO UPDATE SET role = excluded.role, createdAt = :now, changedAt = :now WHERE role IS NULL`,
  otherOwner: `SELECT 1 FROM memberships WHERE workspace = :workspace AND role = 'owner' AND user <> :user LIMIT 1`,
  change: `UPDATE memberships SET role = :role, changedAt = :now WHERE user = :user AND workspace = :workspace AND role IS NOT NULL`,
}
const record = decoder<MembershipRecord>({})
const member = decoder<MemberRecord>({})

export function sqliteMemberships(db: Database): Memberships {
  const get = (user: string, workspace: string) => {
    const row = db.get(MEMBERSHIPS_SQL.get, { user, workspace })
    return row && record(row)
  }
  return {
    get: async (user, workspace) => get(user, workspace),
    list: async (workspace, page) => db.all(MEMBERSHIPS_SQL.list, { workspace, ...pageValues(page) }).map(member),
    add: (user, workspace, role) =>
      db.write(() => {
        db.run(MEMBERSHIPS_SQL.add, { user, workspace, role, now: db.now() })
        return get(user, workspace)!
      }),
    change: (user, workspace, role) =>
      db.write(() => {
        const before = get(user, workspace)
        if (!before) return undefined
        if (before.role === 'owner' && role !== 'owner' && !hasOtherOwner(db, user, workspace)) return 'last_owner'
        db.run(MEMBERSHIPS_SQL.change, { user, workspace, role, now: db.now() })
        return 'done'
      }),
  }
}

/** Whether somebody else owns the workspace too. */
export function hasOtherOwner(db: Database, user: string, workspace: string): boolean {
  return db.get(MEMBERSHIPS_SQL.otherOwner, { user, workspace }) !== undefined
}
