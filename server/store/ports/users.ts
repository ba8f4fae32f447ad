import type { Role } from '../../../contract/scopes.ts'
import type { UserKind } from '../../../contract/users.ts'
import type { PageRequest } from './page.ts'

export interface UserRecord {
  id: string
  kind: UserKind
  externalId: string | null
  /** Whose external id it is: the OIDC issuer configured when it was set; '' without one. */
  externalIssuer: string
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

export type UserChange = Partial<Pick<UserRecord, 'email' | 'name' | 'metadata' | 'limits' | 'disabled'>>

export interface Users {
  /**
   * Makes the user and the membership in `user.workspace`; with `newWorkspace` that workspace too. `email_taken` is
   * without regard to case, `external_id_taken` exact and within one issuer. Asked for again with the id of a user that is
   * there, it answers that one, and finishes what was cut off.
   */
  create(
    user: Omit<UserRecord, 'createdAt'>,
    membership: { role: Role; newWorkspace?: { name: string } },
  ): Promise<UserRecord | 'email_taken' | 'external_id_taken'>
  /** A deleted user is not there any more. */
  get(id: string): Promise<UserRecord | undefined>
  findByExternalId(issuer: string, externalId: string): Promise<UserRecord | undefined>
  /** What changes is seen by {@link Revocations.changedSince}. */
  update(id: string, change: UserChange): Promise<UserRecord | 'email_taken' | undefined>
  /**
   * Disables the user for good, revokes their keys, takes them out of every workspace, and forgets their particulars.
   * `last_owner`: a workspace with other members would have no owner left. Answers the workspaces that are left without
   * any member: they are deleted with it.
   */
  delete(id: string): Promise<{ emptied: string[] } | 'last_owner' | undefined>
  /** All users, or those whose own workspace it is. */
  list(filter: { workspace?: string }, page: PageRequest): Promise<UserRecord[]>
  count(): Promise<number>
}
