import type { Role } from '../../../contract/scopes.ts'

export interface InvitationRecord {
  id: string
  workspace: string
  role: Role
  email: string | null
  /** SHA-256 of the token, lower-case hex; unique. */
  digest: string
  createdBy: string
  createdAt: number
  expiresAt: number
}

/** One-time links into a workspace. */
export interface Invitations {
  create(invitation: Omit<InvitationRecord, 'createdAt'>): Promise<InvitationRecord>
  /** The invitation of that digest, for the one who comes first and in time. */
  take(digest: string): Promise<InvitationRecord | undefined>
  /** Gives back one that was taken and not used after all. */
  giveBack(id: string): Promise<void>
  /** Forgets those that are over. Answers how many. */
  expire(limit: number): Promise<number>
}
