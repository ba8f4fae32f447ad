import type { Page } from '../../contract/pages.ts'
import { type Role, SCOPES } from '../../contract/scopes.ts'
import type { NewWorkspace, Workspace } from '../../contract/workspaces.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import type { WorkspaceRecord } from '../store/ports/workspaces.ts'
import type { Caller } from './caller.ts'
import type { NewId } from './ids.ts'
import type { KeyMaker } from './key-maker.ts'
import { pageOf } from './paging.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import type { RunStop } from './run-stop.ts'

/** What people share. A token is for one workspace: every other one is not found, also to who is a member there. */
export interface Workspaces {
  /** A new one, owned by the caller's person, and a key for it: as much as the caller's own token has. */
  create(caller: Caller, name: string): Promise<NewWorkspace>
  /** Those that the caller's user is a member of. */
  list(caller: Caller, page: PageRequest): Promise<Page<Workspace>>
  get(caller: Caller, id: string): Promise<Workspace>
  rename(caller: Caller, id: string, name: string): Promise<Workspace>
  /** With all that it holds. `confirm` must be its name. */
  delete(caller: Caller, id: string, confirm: string): Promise<void>
  /** Throws `not_found` unless it is the token's own workspace. */
  requireOwn(caller: Caller, id: string): void
}

export interface WorkspacesOptions {
  readonly store: Store
  readonly newId: NewId
  readonly maker: KeyMaker
  readonly revocation: Revocation
  readonly stopRuns: RunStop
}

export function workspaces(options: WorkspacesOptions): Workspaces {
  const { store } = options

  function requireOwn(caller: Caller, id: string): void {
    if (id !== caller.workspace)
      throw new Problem('not_found', `There is no workspace ${id.slice(0, 40)} that this token is for.`)
  }

  async function own(caller: Caller, id: string): Promise<WorkspaceRecord & { role: Role }> {
    requireOwn(caller, id)
    const [workspace, membership] = await Promise.all([
      store.workspaces.get(id),
      store.memberships.get(caller.user, id),
    ])
    if (!workspace || !membership) throw new Problem('not_found', `There is no workspace ${id} any more.`)
    return { ...workspace, role: membership.role }
  }

  return {
    requireOwn,
    async create(caller, name) {
      const user = await store.users.get(caller.user)
      if (user?.kind !== 'person')
        throw new Problem('conflict', 'A service user belongs to one workspace. Ask a person to make another.')
      const made = await store.workspaces.create({ id: options.newId('workspace'), name, owner: user.id })
      const scopes = SCOPES.filter((scope) => caller.scopes.has(scope))
      const key = await options.maker.make(caller, user, made.id, {
        name: `first key of ${name}`.slice(0, 100),
        scopes,
      })
      return { ...workspaceView({ ...made, role: 'owner' }), key }
    },
    async list(caller, page) {
      const records = await store.workspaces.listOf(caller.user, { ...page, limit: page.limit + 1 })
      return pageOf(records, page.limit, workspaceView)
    },
    get: async (caller, id) => workspaceView(await own(caller, id)),
    async rename(caller, id, name) {
      const { role } = await own(caller, id)
      const renamed = await store.workspaces.rename(id, name)
      if (!renamed) throw new Problem('not_found', `There is no workspace ${id} any more.`)
      return workspaceView({ ...renamed, role })
    },
    async delete(caller, id, confirm) {
      const { name } = await own(caller, id)
      if (confirm !== name) {
        const message = `To delete the workspace with everything in it, confirm its name: ?confirm=${encodeURIComponent(name)}`
        throw new Problem('invalid_request', message, {
          errors: [{ path: '/confirm', message: "must be the workspace's name" }],
        })
      }
      await store.workspaces.delete(id)
      await options.revocation.refresh()
      await options.stopRuns.ofWorkspace(id, 'Cancelled: its workspace was deleted.')
    },
  }
}

function workspaceView(workspace: WorkspaceRecord & { role: Role }): Workspace {
  const { id, name, role, createdAt } = workspace
  return { id, name, role, createdAt: new Date(createdAt).toISOString() }
}
