import { randomBytes } from 'node:crypto'
import { displayedParts, makeApiKey } from '../../contract/api-key.ts'
import { isId } from '../../contract/ids.ts'
import type { Key, KeyCreate, KeyPatch, NewKey } from '../../contract/keys.ts'
import type { Page } from '../../contract/pages.ts'
import type { KeyRecord } from '../store/ports/keys.ts'
import type { PageRequest } from '../store/ports/page.ts'
import type { Store } from '../store/ports/store.ts'
import type { UserRecord } from '../store/ports/users.ts'
import type { Caller } from './caller.ts'
import type { NewId } from './ids.ts'
import { type Grant, grantExpiry, grantScopes, grantSuites } from './key-grant.ts'
import { pageOf } from './paging.ts'
import { notSupported, Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import { keyDigest } from './tokens.ts'

/** A user's API keys. */
export interface Keys {
  /** A key of the caller's own. The answer is the only one that holds it. */
  create(caller: Caller, input: KeyCreate): Promise<NewKey>
  /** A key on a user's behalf. */
  createFor(caller: Caller, user: UserRecord, input: KeyCreate): Promise<NewKey>
  list(caller: Caller, page: PageRequest): Promise<Page<Key>>
  listOf(user: UserRecord, page: PageRequest): Promise<Page<Key>>
  get(caller: Caller, id: string): Promise<Key>
  update(caller: Caller, id: string, patch: KeyPatch): Promise<Key>
  /** Ends the key: it and its tokens are refused within a second. */
  revoke(caller: Caller, id: string): Promise<void>
}

export interface KeysOptions {
  readonly store: Store
  readonly revocation: Revocation
  readonly newId: NewId
  readonly now: () => number
  readonly maxDays: number
  readonly keysPerUser: number
}

export function apiKeys(options: KeysOptions): Keys {
  const { store, now } = options

  async function grantOf(caller: Caller): Promise<Grant> {
    const key = await store.keys.get(caller.key)
    return { scopes: caller.scopes, suites: caller.suites, expiresAt: key?.expiresAt ?? null }
  }

  async function make(caller: Caller, user: UserRecord, workspace: string, input: KeyCreate): Promise<NewKey> {
    refuseLater(input)
    const membership = await store.memberships.get(user.id, workspace)
    if (!membership) throw new Problem('not_found', `The user is not a member of the workspace ${workspace}.`)
    const grant = await grantOf(caller)
    const other = user.id !== caller.user
    const key = makeApiKey(randomBytes)
    const made = await store.keys.create(
      {
        id: options.newId('key'),
        user: user.id,
        workspace,
        name: input.name,
        description: input.description ?? null,
        scopes: grantScopes(input.scopes, grant, { role: membership.role, admin: user.admin, other }),
        suites: grantSuites(input.suites, grant),
        digest: keyDigest(key),
        ...displayedParts(key),
        expiresAt: grantExpiry(input.expiresAt, grant, options.maxDays, now()),
      },
      user.limits.maxKeys ?? options.keysPerUser,
    )
    if (made === 'too_many') {
      throw new Problem(
        'too_many_keys',
        `The user already has ${user.limits.maxKeys ?? options.keysPerUser} active keys. Revoke one first (verdict keys revoke ID).`,
      )
    }
    return { ...keyView(made), key }
  }

  async function own(caller: Caller, id: string): Promise<KeyRecord> {
    const key = isId('key', id) ? await store.keys.get(id) : undefined
    if (!key || key.user !== caller.user || key.workspace !== caller.workspace)
      throw new Problem('not_found', `There is no key ${id.slice(0, 40)} of yours.`)
    return key
  }

  return {
    async create(caller, input) {
      if (input.workspace !== undefined && input.workspace !== caller.workspace) {
        throw new Problem('not_found', `There is no workspace ${input.workspace} that this token is for.`)
      }
      const user = await store.users.get(caller.user)
      if (!user) throw new Problem('not_found', 'The user of this token is gone.')
      return make(caller, user, caller.workspace, input)
    },
    createFor: (caller, user, input) => make(caller, user, input.workspace ?? user.workspace, input),
    async list(caller, page) {
      const filter = { user: caller.user, workspace: caller.workspace }
      return pageOf(await store.keys.list(filter, { ...page, limit: page.limit + 1 }), page.limit, keyView)
    },
    async listOf(user, page) {
      return pageOf(await store.keys.list({ user: user.id }, { ...page, limit: page.limit + 1 }), page.limit, keyView)
    },
    get: async (caller, id) => keyView(await own(caller, id)),
    async update(caller, id, patch) {
      refuseLater(patch)
      const key = await own(caller, id)
      const grant = await grantOf(caller)
      const stronger = key.scopes.filter((scope) => !caller.scopes.has(scope))
      if (stronger.length > 0)
        throw new Problem(
          'exceeds_caller',
          `The key has ${stronger.join(', ')}, which the key that changes it has not.`,
        )
      grantSuites(key.suites, grant)
      const membership = await store.memberships.get(caller.user, key.workspace)
      const user = await store.users.get(caller.user)
      if (!membership || !user) throw new Problem('not_found', `There is no key ${id} of yours.`)
      if (
        patch.expiresAt === undefined &&
        grant.expiresAt !== null &&
        (key.expiresAt ?? Number.POSITIVE_INFINITY) > grant.expiresAt
      ) {
        throw new Problem('exceeds_caller', 'The key lives longer than the key that changes it.')
      }
      const updated = await store.keys.update(id, {
        ...(patch.name === undefined ? {} : { name: patch.name }),
        ...(patch.description === undefined ? {} : { description: patch.description }),
        ...(patch.scopes === undefined
          ? {}
          : { scopes: grantScopes(patch.scopes, grant, { role: membership.role, admin: user.admin, other: false }) }),
        ...(patch.suites === undefined ? {} : { suites: grantSuites(patch.suites, grant) }),
        ...(patch.expiresAt === undefined
          ? {}
          : { expiresAt: grantExpiry(patch.expiresAt, grant, options.maxDays, now()) }),
      })
      if (!updated) throw new Problem('not_found', `There is no key ${id} of yours.`)
      await options.revocation.refresh()
      return keyView(updated)
    },
    async revoke(caller, id) {
      await own(caller, id)
      await store.keys.revoke(id)
      await options.revocation.refresh()
    },
  }
}

function refuseLater(input: { allowedIps?: unknown; audiences?: unknown; limits?: unknown }): void {
  for (const field of ['allowedIps', 'audiences', 'limits'] as const) {
    if (input[field] !== undefined) throw notSupported(`The field "${field}" of a key`)
  }
}

/** A key as it may be shown: never the key itself, nor its digest. */
export function keyView(key: KeyRecord): Key {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString())
  return {
    id: key.id,
    name: key.name,
    description: key.description,
    user: key.user,
    workspace: key.workspace,
    scopes: key.scopes,
    suites: key.suites,
    start: key.start,
    end: key.end,
    createdAt: new Date(key.createdAt).toISOString(),
    expiresAt: iso(key.expiresAt),
    revokedAt: iso(key.revokedAt),
    lastUsedAt: iso(key.lastUsedAt),
  }
}
