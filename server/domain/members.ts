import { isId } from '../../contract/ids.ts'
import type { Page } from '../../contract/pages.ts'
import type { Role } from '../../contract/scopes.ts'
import type { Member } from '../../contract/workspaces.ts'
import type { MemberRecord } from '../store/ports/memberships.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import { type Caller, requireScope } from './caller.ts'
import { pageOf } from './paging.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import type { Workspaces } from './workspaces.ts'

/** Who is in a workspace, and with which role. A change is seen by every token within a second. */
export interface Members {
  list(caller: Caller, workspace: string, page: PageRequest): Promise<Page<Member>>
  /** Throws `last_owner` when nobody would own the workspace any more. */
  change(caller: Caller, workspace: string, user: string, role: Role): Promise<Member>
  /** Owners remove others; everybody may leave, but the last owner. Their keys for the workspace end with it. */
  remove(caller: Caller, workspace: string, user: string): Promise<void>
}

export function members(options: { store: Store; workspaces: Workspaces; revocation: Revocation }): Members {
  const { store, workspaces, revocation } = options

  async function settle(workspace: string, user: string, role: Role | null): Promise<void> {
    const done = isId('user', user) ? await store.memberships.change(user, workspace, role) : undefined
    if (done === undefined) throw new Problem('not_found', `There is no member ${user.slice(0, 40)} in this workspace.`)
    if (done === 'last_owner')
      throw new Problem(
        'last_owner',
        'This is the last owner of the workspace. Make somebody else an owner first, or delete it.',
      )
    if (role === null) await store.keys.revokeAll({ user, workspace })
    await revocation.refresh()
  }

  return {
    async list(caller, workspace, page) {
      workspaces.requireOwn(caller, workspace)
      const records = await store.memberships.list(workspace, { ...page, limit: page.limit + 1 })
      return pageOf(records, page.limit, memberView)
    },
    async change(caller, workspace, user, role) {
      workspaces.requireOwn(caller, workspace)
      await settle(workspace, user, role)
      const [person, membership] = await Promise.all([store.users.get(user), store.memberships.get(user, workspace)])
      if (!person || !membership)
        throw new Problem('not_found', `There is no member ${user} in this workspace any more.`)
      return memberView({ ...person, role: membership.role })
    },
    async remove(caller, workspace, user) {
      workspaces.requireOwn(caller, workspace)
      if (user !== caller.user) requireScope(caller, 'members:write')
      const person = isId('user', user) ? await store.users.get(user) : undefined
      if (person?.kind === 'service')
        throw new Problem('conflict', `A service user goes with its workspace: delete it (DELETE /v1/users/${user}).`)
      await settle(workspace, user, null)
    },
  }
}

function memberView(member: MemberRecord): Member {
  const { id, kind, name, email, role, createdAt } = member
  return { user: id, kind, name, email, role, since: new Date(createdAt).toISOString() }
}
