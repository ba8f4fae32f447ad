import type { Role } from '../../../contract/scopes.ts'
import type { UserKind } from '../../../contract/users.ts'
import type { PageRequest } from './page.ts'

export interface UserRecord {
  id: string
  kind: UserKind
  externalId: string | null
  email: string | null
  name: string | null
  metadata: Record<string, string>
  limits: { maxKeys: number | null; runsPerDay: number | null; runningAtOnce: number | null }
  /** The person's own workspace, or the service user's only one. */
  workspace: string
  /** May give the scopes of the whole server to keys of their own. */
  admin: boolean
  disabled: boolean
  createdAt: number
}

export interface Users {
  /**
   * Makes the user and the membership in `user.workspace`; with `newWorkspace` that workspace too. `email_taken` and
   * `external_id_taken` are compared without regard to case for email, exactly for external ids.
   */
  create(
    user: Omit<UserRecord, 'createdAt'>,
    membership: { role: Role; newWorkspace?: { name: string } },
  ): Promise<UserRecord | 'email_taken' | 'external_id_taken'>
  get(id: string): Promise<UserRecord | undefined>
  /** All users, or those whose own workspace it is. */
  list(filter: { workspace?: string }, page: PageRequest): Promise<UserRecord[]>
  count(): Promise<number>
}
