import type { Me } from '../../contract/me.ts'
import { SCOPES } from '../../contract/scopes.ts'
import type { Store } from '../store/ports/store.ts'
import type { Caller } from './caller.ts'
import { Problem } from './problem.ts'

/** What stands for a key where there is none. */
const SIGN_IN = { name: 'sign-in', expiresAt: null }

/** Who the caller is, from the store. */
export function me(store: Store): (caller: Caller) => Promise<Me> {
  return async (caller) => {
    const [user, membership, key] = await Promise.all([
      store.users.get(caller.user),
      store.memberships.get(caller.user, caller.workspace),
      caller.kind === 'key' ? store.keys.get(caller.key) : SIGN_IN,
    ])
    if (!user || !membership || !key)
      throw new Problem('invalid_token', 'The user, workspace or key of this token is gone.')
    return {
      user: { id: user.id, kind: user.kind, name: user.name, email: user.email },
      workspace: { id: caller.workspace, name: membership.workspaceName, role: membership.role },
      credential: {
        // A worker's token opens its work alone, and never comes here.
        kind: caller.kind === 'oidc' ? 'oidc' : 'key',
        id: caller.key,
        name: key.name,
        expiresAt: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
      },
      scopes: SCOPES.filter((scope) => caller.scopes.has(scope)),
      suites: caller.suites === null ? null : [...caller.suites],
      expiresAt: new Date(caller.tokenExpiresAt).toISOString(),
    }
  }
}
