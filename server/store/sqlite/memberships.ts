import type { MembershipRecord, Memberships } from '../ports/memberships.ts'
import { type Database, decoder } from './database.ts'

export const MEMBERSHIPS_SQL = {
  get: `SELECT m.user, m.workspace, w.name AS workspaceName, m.role FROM memberships m JOIN workspaces w ON w.id = m.workspace
    WHERE m.user = :user AND m.workspace = :workspace AND m.role IS NOT NULL`,
}
const record = decoder<MembershipRecord>({})

export function sqliteMemberships(db: Database): Memberships {
  return {
    async get(user, workspace) {
      const row = db.get(MEMBERSHIPS_SQL.get, { user, workspace })
      return row && record(row)
    },
  }
}
