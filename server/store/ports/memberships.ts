import type { Role } from '../../../contract/scopes.ts'

export interface MembershipRecord {
  user: string
  workspace: string
  workspaceName: string
  role: Role
}

/** Who may do what in which workspace. */
export interface Memberships {
  get(user: string, workspace: string): Promise<MembershipRecord | undefined>
}
