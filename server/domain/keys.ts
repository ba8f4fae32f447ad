import { isId } from '../../contract/ids.ts'
import type { Key, KeyCreate, KeyPatch, KeyRotate, NewKey } from '../../contract/keys.ts'
import type { Page } from '../../contract/pages.ts'
import type { KeyRecord } from '../store/ports/keys.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { UserRecord } from '../store/ports/users.ts'
import type { Caller } from './caller.ts'
import {
  grantAudiences,
  grantExpiry,
  grantIps,
  grantLimits,
  grantScopes,
  grantSuites,
  NOT_FOR_OTHERS,
} from './key-grant.ts'
import { type KeyMakerOptions, keyMaker } from './key-maker.ts'
import { keyRotation } from './key-rotation.ts'
import { keyView } from './key-view.ts'
import { pageOf } from './paging.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'

/** A user's API keys. */
export interface Keys {
  /** A key of the caller's own. The answer is the only one that holds it. */
  create(caller: Caller, input: KeyCreate): Promise<NewKey>
  /** A key on a user's behalf. */
  createFor(caller: Caller, user: UserRecord, input: KeyCreate): Promise<NewKey>
  list(caller: Caller, page: PageRequest): Promise<Page<Key>>
  listOf(user: UserRecord, page: PageRequest): Promise<Page<Key>>
  /** Those of all members. */
  listOfWorkspace(workspace: string, page: PageRequest): Promise<Page<Key>>
  /** A key of the caller's own; these three throw `not_found`. */
  own(caller: Caller, id: string): Promise<KeyRecord>
  of(user: UserRecord, id: string): Promise<KeyRecord>
  ofWorkspace(workspace: string, id: string): Promise<KeyRecord>
  update(caller: Caller, key: KeyRecord, patch: KeyPatch): Promise<Key>
  /** See {@link keyRotation}. */
  rotate(caller: Caller, key: KeyRecord, input: KeyRotate): Promise<NewKey>
  /** Ends the key: it and its tokens are refused within a second. */
  revoke(key: KeyRecord): Promise<void>
  revokeAll(of: { user: string; workspace?: string }): Promise<void>
}

export interface KeysOptions extends KeyMakerOptions {
  readonly revocation: Revocation
}

export function apiKeys(options: KeysOptions): Keys {
  const { store, now } = options
  const maker = keyMaker(options)

  async function requireNoLess(caller: Caller, key: KeyRecord): Promise<void> {
    const grant = await maker.grantOf(caller, key.workspace)
    const stronger = key.scopes.filter((scope) => !grant.scopes.has(scope))
    const beyondReach = caller.user === key.user ? [] : key.scopes.filter((scope) => NOT_FOR_OTHERS.includes(scope))
    if (beyondReach.length > 0)
      throw new Problem(
        'exceeds_caller',
        `A key with ${beyondReach.join(', ')} is its owner's alone to change or rotate.`,
      )
    const refuse = (what: string) => new Problem('exceeds_caller', `The key ${what} the key that changes it has not.`)
    if (stronger.length > 0) throw refuse(`has ${stronger.join(', ')}, which`)
    grantSuites(key.suites, grant)
    grantIps(key.allowedIps, grant)
    grantLimits(key.limits, grant)
    const audiences = (key.audiences ?? []).filter((audience) => !grant.audiences.includes(audience))
    if (audiences.length > 0) throw refuse(`has the audience ${audiences.join(', ')}, which`)
  }

  const rotate = keyRotation({ ...options, maker, requireNoLess })

  async function found(id: string, isTheirs: (key: KeyRecord) => boolean, whose: string): Promise<KeyRecord> {
    const key = isId('key', id) ? await store.keys.get(id) : undefined
    if (!key || !isTheirs(key)) throw new Problem('not_found', `There is no key ${id.slice(0, 40)} ${whose}.`)
    return key
  }

  async function listed(filter: { user?: string; workspace?: string }, page: PageRequest): Promise<Page<Key>> {
    return pageOf(await store.keys.list(filter, { ...page, limit: page.limit + 1 }), page.limit, keyView)
  }

  return {
    async create(caller, input) {
      // A key is for one workspace and makes keys for that one alone; a signed-in person has all of theirs.
      const workspace = input.workspace ?? caller.workspace
      if (workspace !== caller.workspace && caller.kind !== 'oidc')
        throw new Problem('not_found', `There is no workspace ${workspace} that this token is for.`)
      const user = await store.users.get(caller.user)
      if (!user) throw new Problem('not_found', 'The user of this token is gone.')
      return maker.make(caller, user, workspace, input)
    },
    createFor(caller, user, input) {
      if (user.disabled) throw new Problem('conflict', `The user ${user.id} is disabled, and gets no keys.`)
      return maker.make(caller, user, input.workspace ?? user.workspace, input)
    },
    list: ({ kind, user, workspace }, page) => listed(kind === 'oidc' ? { user } : { user, workspace }, page),
    listOf: (user, page) => listed({ user: user.id }, page),
    listOfWorkspace: (workspace, page) => listed({ workspace }, page),
    own: ({ user, workspace, kind }, id) =>
      found(id, (key) => key.user === user && (kind === 'oidc' || key.workspace === workspace), 'of yours'),
    of: (user, id) => found(id, (key) => key.user === user.id, `of the user ${user.id}`),
    ofWorkspace: (workspace, id) => found(id, (key) => key.workspace === workspace, 'in this workspace'),

    async update(caller, key, patch) {
      await requireNoLess(caller, key)
      const grant = await maker.grantOf(caller, key.workspace)
      const membership = await store.memberships.get(key.user, key.workspace)
      const user = await store.users.get(key.user)
      if (!membership || !user) throw new Problem('not_found', `There is no key ${key.id} any more.`)
      const { name, description, scopes, suites, allowedIps, audiences, limits, expiresAt } = patch
      const ends = key.expiresAt ?? Number.POSITIVE_INFINITY
      if (expiresAt === undefined && grant.expiresAt !== null && ends > grant.expiresAt)
        throw new Problem('exceeds_caller', 'The key lives longer than the key that changes it.')
      if (expiresAt !== undefined && key.replacedBy !== null)
        throw new Problem('conflict', `The key was replaced by ${key.replacedBy}: its end is settled. Change that one.`)
      const other = key.user !== caller.user
      const role = { role: membership.role, admin: user.admin, other }
      const updated = await store.keys.update(key.id, {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(scopes === undefined ? {} : { scopes: grantScopes(scopes, grant, role) }),
        ...(suites === undefined ? {} : { suites: grantSuites(suites, grant) }),
        ...(allowedIps === undefined ? {} : { allowedIps: grantIps(allowedIps, grant) }),
        ...(audiences === undefined ? {} : { audiences: grantAudiences(audiences, grant, options.audiences) }),
        ...(limits === undefined
          ? {}
          : { limits: grantLimits(limits === null ? null : { ...key.limits, ...limits }, grant) }),
        ...(expiresAt === undefined ? {} : { expiresAt: grantExpiry(expiresAt, grant, options.maxDays, now()) }),
      })
      if (!updated) throw new Problem('not_found', `There is no key ${key.id} any more.`)
      await options.revocation.refresh()
      return keyView(updated)
    },

    rotate,
    async revoke(key) {
      await store.keys.revoke(key.id)
      await options.revocation.refresh()
    },
    async revokeAll(of) {
      await store.keys.revokeAll(of)
      await options.revocation.refresh()
    },
  }
}
