import { randomBytes } from 'node:crypto'
import { displayedParts, makeApiKey } from '../../contract/api-key.ts'
import type { KeyRotate, NewKey } from '../../contract/keys.ts'
import type { KeyRecord } from '../store/ports/keys.ts'
import type { Store } from '../store/ports/store.ts'
import type { Caller } from './caller.ts'
import type { NewId } from './ids.ts'
import type { KeyMaker } from './key-maker.ts'
import { keyView } from './key-view.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import { keyDigest } from './tokens.ts'

const DAY_MS = 86_400_000

export interface KeyRotationOptions {
  readonly store: Store
  readonly maker: KeyMaker
  readonly revocation: Revocation
  readonly newId: NewId
  readonly now: () => number
  readonly maxDays: number
  /** Throws unless the caller has all that the key has. */
  readonly requireNoLess: (caller: Caller, key: KeyRecord) => Promise<void>
}

/**
 * A new key with an id of its own in place of another, with all that one has, and as long a life as that one was given.
 * The old one goes on for as long as was asked ({@link KeyRotate}) and never past its own end. Throws `conflict` for a key
 * that has ended or has its successor already: there is one at most, whatever asks at the same time.
 */
export function keyRotation(options: KeyRotationOptions) {
  const { store, maker, now } = options
  /** As long a life as the old one was given, within the caller's own and the operator's limit. */
  function endOf(old: KeyRecord, callerEnds: number | null): number | null {
    const life = old.expiresAt === null ? Number.POSITIVE_INFINITY : old.expiresAt - old.createdAt
    const longest = options.maxDays === 0 ? Number.POSITIVE_INFINITY : options.maxDays * DAY_MS
    const end = Math.min(now() + Math.min(life, longest), callerEnds ?? Number.POSITIVE_INFINITY)
    return end === Number.POSITIVE_INFINITY ? null : end
  }

  return async (caller: Caller, old: KeyRecord, input: KeyRotate): Promise<NewKey> => {
    await options.requireNoLess(caller, old)
    const user = await store.users.get(old.user)
    if (!user || user.disabled) throw new Problem('conflict', 'The user of the key is disabled.')
    const atFirstUse = input.untilFirstUse ?? input.graceSeconds === undefined
    const endsAt = input.graceSeconds === undefined ? (atFirstUse ? null : now()) : now() + input.graceSeconds * 1000
    const grant = await maker.grantOf(caller, old.workspace)
    const key = makeApiKey(randomBytes)
    const made = await store.keys.rotate(
      old.id,
      {
        id: options.newId('key'),
        user: old.user,
        workspace: old.workspace,
        name: old.name,
        description: old.description,
        scopes: old.scopes,
        suites: old.suites,
        allowedIps: old.allowedIps,
        audiences: old.audiences,
        limits: old.limits,
        digest: keyDigest(key),
        ...displayedParts(key),
        expiresAt: endOf(old, grant.expiresAt),
      },
      // A key in its grace counts beside its successor, so there is room for each of them twice.
      { endsAt, atFirstUse, maxActive: 2 * maker.maxKeys(user) },
    )
    if (typeof made === 'string') throw refusal(made, old)
    await options.revocation.refresh()
    return { ...keyView(made), key }
  }
}

function refusal(why: 'ended' | 'replaced' | 'too_many', old: KeyRecord): Problem {
  if (why === 'replaced')
    return new Problem(
      'conflict',
      `The key "${old.name}" was replaced already${old.replacedBy ? ` by ${old.replacedBy}` : ''}. Rotate that one, or make a new key.`,
    )
  if (why === 'ended')
    return new Problem('conflict', `The key "${old.name}" has ended, and an ended key is not replaced. Make a new one.`)
  return new Problem(
    'too_many_keys',
    'The user has too many keys that were replaced and still go on. Revoke some first.',
  )
}
