import { randomBytes } from 'node:crypto'
import { displayedParts, makeApiKey } from '../../contract/api-key.ts'
import type { KeyCreate, NewKey } from '../../contract/keys.ts'
import { ROLE_SCOPES, type Scope } from '../../contract/scopes.ts'
import type { Store } from '../store/ports/store.ts'
import type { UserRecord } from '../store/ports/users.ts'
import type { Caller } from './caller.ts'
import type { NewId } from './ids.ts'
import {
  type Grant,
  grantAudiences,
  grantExpiry,
  grantIps,
  grantLimits,
  grantScopes,
  grantSuites,
} from './key-grant.ts'
import { keyView } from './key-view.ts'
import { Problem } from './problem.ts'
import { keyDigest } from './tokens.ts'

export interface KeyMakerOptions {
  readonly store: Store
  readonly newId: NewId
  readonly now: () => number
  /** VERDICT_KEY_MAX_DAYS; 0: no limit. */
  readonly maxDays: number
  readonly keysPerUser: number
  /** The operator's own APIs (VERDICT_AUDIENCES). */
  readonly audiences: readonly string[]
}

/** Makes keys within what their maker may give. */
export interface KeyMaker {
  /** What the caller may give to keys of that workspace. */
  grantOf(caller: Caller, workspace: string): Promise<Grant>
  /** A key of the user's for a workspace of theirs. The answer is the only one that holds it. */
  make(caller: Caller, user: UserRecord, workspace: string, input: KeyCreate): Promise<NewKey>
  /** The same, within a grant that was found otherwise. */
  makeWithin(grant: Grant, user: UserRecord, workspace: string, input: KeyCreate, other: boolean): Promise<NewKey>
  /** How many active keys the user may have. */
  maxKeys(user: UserRecord): number
}

/** A person who signed in gives their keys what their role has, but nothing that is beyond their own work. */
const NOT_BY_SIGN_IN: readonly Scope[] = ['members:write', 'workers:write']

export function keyMaker(options: KeyMakerOptions): KeyMaker {
  const { store, now } = options
  const maxKeys = (user: UserRecord) => user.limits.maxKeys ?? options.keysPerUser

  async function grantOf(caller: Caller, workspace: string): Promise<Grant> {
    const { scopes, suites, allowedIps, limits } = caller
    if (caller.kind === 'oidc') {
      const membership = await store.memberships.get(caller.user, workspace)
      const ofRole = membership ? ROLE_SCOPES[membership.role].filter((scope) => !NOT_BY_SIGN_IN.includes(scope)) : []
      return { suites, allowedIps, limits, scopes: new Set(ofRole), expiresAt: null, audiences: options.audiences }
    }
    const key = await store.keys.get(caller.key)
    // Whoever makes users decides which of the operator's APIs their keys open.
    const audiences = scopes.has('users:write') ? options.audiences : (key?.audiences ?? [])
    return { scopes, suites, allowedIps, limits, audiences, expiresAt: key?.expiresAt ?? null }
  }

  async function makeWithin(grant: Grant, user: UserRecord, workspace: string, input: KeyCreate, other: boolean) {
    const membership = await store.memberships.get(user.id, workspace)
    if (!membership) throw new Problem('not_found', `The user is not a member of the workspace ${workspace}.`)
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
        allowedIps: grantIps(input.allowedIps, grant),
        audiences: grantAudiences(input.audiences, grant, options.audiences),
        limits: grantLimits(input.limits, grant),
        digest: keyDigest(key),
        ...displayedParts(key),
        expiresAt: grantExpiry(input.expiresAt, grant, options.maxDays, now()),
      },
      maxKeys(user),
    )
    if (made === 'too_many') {
      throw new Problem(
        'too_many_keys',
        `The user already has ${maxKeys(user)} active keys. Revoke one first (verdict keys revoke ID).`,
      )
    }
    return { ...keyView(made), key }
  }

  return {
    grantOf,
    makeWithin,
    make: async (caller, user, workspace, input) =>
      makeWithin(await grantOf(caller, workspace), user, workspace, input, user.id !== caller.user),
    maxKeys,
  }
}
