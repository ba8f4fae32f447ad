import type { Role } from '../../../contract/scopes.ts'
import type { UserKind } from '../../../contract/users.ts'
import type { PageRequest } from './page.ts'

export interface MembershipRecord {
  user: string
  workspace: string
  workspaceName: string
  role: Role
}

/** A member with what others see of them. `id` is the user's; `createdAt`: since when. */
export interface MemberRecord {
  id: string
  kind: UserKind
  name: string | null
  email: string | null
  role: Role
  createdAt: number
}

/** Who may do what in which workspace. Changes are seen by {@link Revocations.changedSince}. */
export interface Memberships {
  get(user: string, workspace: string): Promise<MembershipRecord | undefined>
  list(workspace: string, page: PageRequest): Promise<MemberRecord[]>
  /** Adds a member; one that is there keeps the role that they have. */
  add(user: string, workspace: string, role: Role): Promise<MembershipRecord>
  /** Another role, or none (null): they are no member any more. `last_owner`: there would be no owner left. */
  change(user: string, workspace: string, role: Role | null): Promise<'done' | 'last_owner' | undefined>
}
