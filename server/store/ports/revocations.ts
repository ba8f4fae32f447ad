import type { KeyLimits } from '../../../contract/key-limits.ts'
import type { Role } from '../../../contract/scopes.ts'
import type { UserRecord } from './users.ts'

/** The recorded state of something that tokens depend on. */
export type AccessChange =
  | {
      kind: 'key'
      id: string
      name: string
      revoked: boolean
      expiresAt: number | null
      allowedIps: string[] | null
      limits: KeyLimits | null
      changedAt: number
    }
  | {
      kind: 'user'
      id: string
      disabled: boolean
      limits: UserRecord['limits']
      changedAt: number
    }
  | { kind: 'membership'; user: string; workspace: string; role: Role | null; changedAt: number }
  | { kind: 'worker'; id: string; revoked: boolean; changedAt: number }
  | { kind: 'token'; id: string; expiresAt: number; changedAt: number }

/** What takes effect on tokens that are already out. */
export interface Revocations {
  /** Refuses the token of that `jti` from now on; forgotten after `expiresAt`. */
  revokeToken(jti: string, expiresAt: number): Promise<void>
  /** The present state of every key, user, membership, worker and revoked token that changed at or after that time. */
  changedSince(time: number): Promise<AccessChange[]>
}
