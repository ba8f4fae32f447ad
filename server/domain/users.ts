import { isId } from '../../contract/ids.ts'
import type { Page } from '../../contract/pages.ts'
import type { User, UserCreate } from '../../contract/users.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import type { UserRecord } from '../store/ports/users.ts'
import { type Caller, requireScope } from './caller.ts'
import type { NewId } from './ids.ts'
import { pageOf } from './paging.ts'
import { notSupported, Problem } from './problem.ts'

/** People and service users. */
export interface Users {
  /** A person with a workspace of their own (`users:write`), or a service user of the caller's workspace (`members:write`). */
  create(caller: Caller, input: UserCreate): Promise<User>
  /** All users with `users:write`, else the service users of the caller's workspace. */
  list(caller: Caller, page: PageRequest): Promise<Page<User>>
  /** The user, if the caller may manage it; throws `not_found` otherwise. */
  managed(caller: Caller, id: string): Promise<UserRecord>
}

export function users(options: {
  store: Store
  newId: NewId /** Whether suites run without a sandbox. */
  unsandboxed: () => boolean
}): Users {
  const { store, newId } = options

  return {
    async create(caller, input) {
      const kind = input.kind ?? 'person'
      if (kind === 'person') requireScope(caller, 'users:write')
      for (const limit of ['runsPerDay', 'runningAtOnce'] as const) {
        if (input.limits?.[limit] !== undefined) throw notSupported(`The limit "${limit}" of a user`)
      }
      if (options.unsandboxed() && (await store.users.count()) >= 1) {
        throw new Problem(
          'unsandboxed',
          'Suites run without a sandbox here (VERDICT_ALLOW_UNSANDBOXED), so every user could read what another runs. Install bubblewrap, or keep to one user.',
        )
      }
      const workspace = kind === 'person' ? newId('workspace') : caller.workspace
      const made = await store.users.create(
        {
          id: newId('user'),
          kind,
          externalId: input.externalId ?? null,
          email: input.email ?? null,
          name: input.name ?? null,
          metadata: input.metadata ?? {},
          limits: { maxKeys: null, runsPerDay: null, runningAtOnce: null, ...input.limits },
          workspace,
          admin: false,
          disabled: false,
        },
        kind === 'person'
          ? { role: 'owner', newWorkspace: { name: input.name ?? input.email ?? input.externalId ?? 'personal' } }
          : { role: 'member' },
      )
      if (made === 'email_taken')
        throw new Problem('conflict', `There is a user with the email ${input.email} already.`)
      if (made === 'external_id_taken')
        throw new Problem('conflict', `There is a user with the external id ${input.externalId} already.`)
      return userView(made)
    },
    async list(caller, page) {
      const filter = caller.scopes.has('users:write') ? {} : { workspace: caller.workspace }
      const records = await store.users.list(filter, { ...page, limit: page.limit + 1 })
      return pageOf(records, page.limit, userView)
    },
    async managed(caller, id) {
      const user = isId('user', id) ? await store.users.get(id) : undefined
      const ofWorkspace = user?.kind === 'service' && user.workspace === caller.workspace
      if (!user || !(caller.scopes.has('users:write') || ofWorkspace))
        throw new Problem('not_found', `There is no user ${id.slice(0, 40)}.`)
      return user
    },
  }
}

function userView(user: UserRecord): User {
  const { admin: _admin, createdAt, ...shown } = user
  return { ...shown, createdAt: new Date(createdAt).toISOString() }
}
