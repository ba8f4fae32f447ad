import { createHash, randomBytes } from 'node:crypto'
import { ROLE_SCOPES } from '../../contract/scopes.ts'
import type {
  AcceptedInvitation,
  InvitationAccept,
  InvitationCreate,
  NewInvitation,
} from '../../contract/workspaces.ts'
import type { InvitationRecord } from '../store/ports/invitations.ts'
import type { Store } from '../store/ports/store.ts'
import type { UserRecord } from '../store/ports/users.ts'
import { type Caller, requireScope } from './caller.ts'
import type { NewId } from './ids.ts'
import type { KeyMaker } from './key-maker.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import { type Users, userView } from './users.ts'
import type { Workspaces } from './workspaces.ts'

/** One-time links into a workspace. */
export interface Invitations {
  create(caller: Caller, workspace: string, input: InvitationCreate): Promise<NewInvitation>
  /**
   * Lets in who holds the link: the caller's own person, or, without a caller, a new one. The answer holds their key for the
   * workspace. Throws `not_found` for a link that is unknown, used or over, alike.
   */
  accept(caller: Caller | undefined, input: InvitationAccept): Promise<AcceptedInvitation>
}

export interface InvitationsOptions {
  readonly store: Store
  readonly newId: NewId
  readonly now: () => number
  readonly publicUrl: string
  readonly users: Users
  readonly workspaces: Workspaces
  readonly maker: KeyMaker
  readonly revocation: Revocation
}

const PREFIX = 'vdi_'
const TOKEN = /^vdi_[A-Za-z0-9_-]{43}$/
const DAYS_SECONDS = 7 * 86_400

export function invitations(options: InvitationsOptions): Invitations {
  const { store, maker } = options

  async function join(
    taken: InvitationRecord,
    caller: Caller | undefined,
    input: InvitationAccept,
  ): Promise<AcceptedInvitation> {
    const user = caller ? await personOf(caller) : await newPerson(taken, input)
    const member = await store.memberships.add(user.id, taken.workspace, taken.role)
    await options.revocation.refresh()
    const ofRole = {
      scopes: new Set(ROLE_SCOPES[member.role]),
      suites: null,
      allowedIps: null,
      audiences: [],
      limits: null,
    }
    // A person who was here before gives no more than what they showed; a new one has nothing but the invitation.
    const grant = caller ? await maker.grantOf(caller, taken.workspace) : { ...ofRole, expiresAt: null }
    const scopes = [...ofRole.scopes].filter((scope) => grant.scopes.has(scope))
    const name = `${member.workspaceName}: first key`.slice(0, 100)
    return { user: userView(user), key: await maker.makeWithin(grant, user, taken.workspace, { name, scopes }, false) }
  }

  async function personOf(caller: Caller): Promise<UserRecord> {
    requireScope(caller, 'keys:write')
    const user = await store.users.get(caller.user)
    if (user?.kind === 'person') return user
    throw new Problem('conflict', 'A service user belongs to one workspace. Accept as a person.')
  }

  function newPerson(taken: InvitationRecord, input: InvitationAccept): Promise<UserRecord> {
    const email = input.email ?? taken.email
    return options.users.makePerson({ ...(input.name && { name: input.name }), ...(email && { email }) })
  }

  return {
    async create(caller, workspace, input) {
      options.workspaces.requireOwn(caller, workspace)
      const token = PREFIX + randomBytes(32).toString('base64url')
      const made = await store.invitations.create({
        id: options.newId('invitation'),
        workspace,
        role: input.role,
        email: input.email ?? null,
        digest: digestOf(token),
        createdBy: caller.user,
        expiresAt: options.now() + (input.expiresInSeconds ?? DAYS_SECONDS) * 1000,
      })
      const { id, role, email } = made
      const iso = (time: number) => new Date(time).toISOString()
      const dates = { createdAt: iso(made.createdAt), expiresAt: iso(made.expiresAt) }
      // After the #, so that no server and no proxy ever logs it.
      return { id, workspace, role, email, ...dates, token, link: `${options.publicUrl}/invitation#${token}` }
    },
    async accept(caller, input) {
      const taken = TOKEN.test(input.token) ? await store.invitations.take(digestOf(input.token)) : undefined
      if (!taken)
        throw new Problem('not_found', 'The invitation is unknown, was used, or is over. Ask for a new one.', {
          unverified: true,
        })
      try {
        return await join(taken, caller, input)
      } catch (error) {
        await store.invitations.giveBack(taken.id)
        throw error
      }
    },
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
