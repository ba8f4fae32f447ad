import { isId } from '../../contract/ids.ts'
import type { Page } from '../../contract/pages.ts'
import type { User, UserCreate, UserPatch } from '../../contract/users.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import type { UserRecord } from '../store/ports/users.ts'
import { type Caller, requireScope } from './caller.ts'
import type { NewId } from './ids.ts'
import { pageOf } from './paging.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import type { RunStop } from './run-stop.ts'

/** People and service users. */
export interface Users {
  /** A person with a workspace of their own (`users:write`), or a service user of the caller's workspace (`members:write`). */
  create(caller: Caller, input: UserCreate): Promise<User>
  /**
   * The person of that external id at the configured issuer: made if they are not there, else changed to what was sent. So
   * a sign-up hook may come twice. `made`: whether it is new.
   */
  upsert(externalId: string, input: UserPatch): Promise<{ user: User; made: boolean }>
  /** A new person with a workspace of their own. Throws `conflict` for an email or external id that is taken. */
  makePerson(person: Pick<UserCreate, 'externalId' | 'email' | 'name' | 'metadata' | 'limits'>): Promise<UserRecord>
  /** All users with `users:write`, else those whose own workspace the caller's is: its service users, and its person. */
  list(caller: Caller, page: PageRequest): Promise<Page<User>>
  /** The user, if the caller may manage it; throws `not_found` otherwise. */
  managed(caller: Caller, id: string): Promise<UserRecord>
  /** Disabling stops everything of theirs within a second: keys, tokens, runs. */
  update(caller: Caller, id: string, patch: UserPatch): Promise<User>
  /** For good, with the workspaces that nobody else is a member of. Throws `last_owner` where others would be left without one. */
  delete(caller: Caller, id: string): Promise<void>
}

export interface UsersOptions {
  readonly store: Store
  readonly newId: NewId
  readonly revocation: Revocation
  readonly stopRuns: RunStop
  /** Whose external ids are set: VERDICT_OIDC_ISSUER, or ''. */
  readonly externalIssuer: string
  /** Whether suites run without a sandbox. */
  readonly unsandboxed: () => boolean
}

const NO_LIMITS = { maxKeys: null, runsPerDay: null, runningAtOnce: null }

export function users(options: UsersOptions): Users {
  const { store, newId, externalIssuer } = options

  async function make(kind: 'person' | 'service', workspace: string, input: UserCreate): Promise<UserRecord> {
    if (options.unsandboxed() && (await store.users.count()) >= 1) {
      throw new Problem(
        'unsandboxed',
        'Suites run without a sandbox here (VERDICT_ALLOW_UNSANDBOXED), so every user could read what another runs. Install bubblewrap, or keep to one user.',
      )
    }
    const made = await store.users.create(
      {
        id: newId('user'),
        kind,
        externalId: input.externalId ?? null,
        externalIssuer,
        email: input.email ?? null,
        name: input.name ?? null,
        metadata: input.metadata ?? {},
        limits: { ...NO_LIMITS, ...input.limits },
        workspace,
        admin: false,
        disabled: false,
      },
      kind === 'person'
        ? { role: 'owner', newWorkspace: { name: input.name ?? input.email ?? input.externalId ?? 'personal' } }
        : { role: 'member' },
    )
    if (made === 'email_taken') throw emailTaken(input.email)
    if (made === 'external_id_taken')
      throw new Problem('conflict', `There is a user with the external id ${input.externalId} already.`)
    return made
  }

  const makePerson: Users['makePerson'] = (person) => make('person', newId('workspace'), person)

  async function change(user: UserRecord, patch: UserPatch): Promise<UserRecord> {
    const updated = await store.users.update(user.id, {
      ...(patch.email === undefined ? {} : { email: patch.email }),
      ...(patch.name === undefined ? {} : { name: patch.name }),
      ...(patch.metadata === undefined ? {} : { metadata: patch.metadata }),
      ...(patch.limits === undefined ? {} : { limits: { ...user.limits, ...patch.limits } }),
      ...(patch.disabled === undefined ? {} : { disabled: patch.disabled }),
    })
    if (updated === 'email_taken') throw emailTaken(patch.email)
    if (!updated) throw noUser(user.id)
    await options.revocation.refresh()
    if (updated.disabled) await options.stopRuns.of(user.id, 'Cancelled: the user who started it was disabled.')
    return updated
  }

  async function managed(caller: Caller, id: string): Promise<UserRecord> {
    const user = isId('user', id) ? await store.users.get(id) : undefined
    const ofWorkspace = user?.kind === 'service' && user.workspace === caller.workspace
    if (!user || !(caller.scopes.has('users:write') || ofWorkspace)) throw noUser(id)
    return user
  }

  /** Admins are nobody's to disable or delete by mere `users:write`: else a leaked key of that scope could lock them out. */
  async function endable(caller: Caller, id: string): Promise<UserRecord> {
    const user = await managed(caller, id)
    if (user.id === caller.user)
      throw new Problem('conflict', 'This is your own user: somebody else has to disable or delete it.')
    if (user.admin && !caller.scopes.has('admin')) requireScope(caller, 'admin')
    return user
  }

  return {
    async create(caller, input) {
      const kind = input.kind ?? 'person'
      if (kind === 'service') return userView(await make(kind, caller.workspace, input))
      requireScope(caller, 'users:write')
      return userView(await makePerson(input))
    },
    makePerson,
    async upsert(externalId, input) {
      for (let tries = 1; ; tries++) {
        const known = await store.users.findByExternalId(externalIssuer, externalId)
        if (known) return { user: userView(await change(known, input)), made: false }
        try {
          const { limits, metadata, email, name, disabled } = input
          const made = await makePerson({
            externalId,
            ...(email == null ? {} : { email }),
            ...(name == null ? {} : { name }),
            ...(metadata === undefined ? {} : { metadata }),
          })
          const rest = { ...(limits && { limits }), ...(disabled === undefined ? {} : { disabled }) }
          return { user: userView(Object.keys(rest).length > 0 ? await change(made, rest) : made), made: true }
        } catch (error) {
          // Two hooks at once: the other one made the user.
          const lost = error instanceof Problem && error.code === 'conflict' && error.message.includes('external id')
          if (!lost || tries === 3) throw error
        }
      }
    },
    async list(caller, page) {
      const filter = caller.scopes.has('users:write') ? {} : { workspace: caller.workspace }
      const records = await store.users.list(filter, { ...page, limit: page.limit + 1 })
      return pageOf(records, page.limit, userView)
    },
    managed,
    async update(caller, id, patch) {
      const user = patch.disabled === true ? await endable(caller, id) : await managed(caller, id)
      return userView(await change(user, patch))
    },
    async delete(caller, id) {
      const user = await endable(caller, id)
      const runs = options.stopRuns
      const deleted = await store.users.delete(user.id)
      if (deleted === undefined) throw noUser(id)
      if (deleted === 'last_owner')
        throw new Problem(
          'last_owner',
          'The user is the only owner of a workspace with other members. Make one of them an owner first (PATCH /v1/workspaces/{id}/members/{userId}).',
        )
      await options.revocation.refresh()
      await runs.of(user.id, 'Cancelled: the user who started it was deleted.')
    },
  }
}

const noUser = (id: string) => new Problem('not_found', `There is no user ${id.slice(0, 40)}.`)
const emailTaken = (email: string | null | undefined) =>
  new Problem('conflict', `There is a user with the email ${email} already.`)

/** A user as it may be shown. */
export function userView(user: UserRecord): User {
  const { admin: _admin, externalIssuer: _issuer, createdAt, ...shown } = user
  return { ...shown, createdAt: new Date(createdAt).toISOString() }
}
