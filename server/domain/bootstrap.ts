import { randomBytes } from 'node:crypto'
import { displayedParts, isWellFormedApiKey, makeApiKey } from '../../contract/api-key.ts'
import { SCOPES } from '../../contract/scopes.ts'
import type { KeyRecord } from '../store/ports/keys.ts'
import type { Store } from '../store/ports/store.ts'
import type { NewId } from './ids.ts'
import { keyDigest } from './tokens.ts'

/** Thrown when the chosen first key cannot be used; the message is for the operator. */
export class BootstrapError extends Error {
  override readonly name = 'BootstrapError'
}

export interface BootstrapOptions {
  readonly store: Store
  readonly newId: NewId
  readonly now: () => number
  /** VERDICT_KEY_MAX_DAYS; 0: the key lives for ever. */
  readonly maxDays: number
}

const DAY_MS = 86_400_000

/** What the first user, workspace and key are called: settled before they are made, by whichever process asks first. */
interface First {
  readonly user: string
  readonly workspace: string
  readonly key: string
}

/**
 * Makes the first user (an admin person) and its key with every scope but `work`, unless there is a user already. Any number
 * of processes may ask at once, and one that was cut off may ask again: all make the same user and key. Answers the key,
 * which nothing can tell again, to the one that made it; undefined to all others.
 */
export async function makeFirstKey(options: BootstrapOptions, chosen?: string): Promise<string | undefined> {
  const { installation, users } = options.store
  if ((await installation.get('first-key-made')) !== undefined) return undefined
  const isBegun = (await installation.get('first-key')) !== undefined
  if (!isBegun && (await users.count()) > 0) return undefined
  if (chosen !== undefined && !isWellFormedApiKey(chosen)) {
    throw new BootstrapError(
      'The file of VERDICT_BOOTSTRAP_KEY_FILE does not hold an API key (vdt_, 30 random characters and 6 of checksum).',
    )
  }
  const own = newIds(options)
  const first = await settled(options, own)
  const key = chosen ?? makeApiKey(randomBytes)
  const made = await addKey(options, await makeAdmin(options, first), { id: first.key, name: 'first key', key })
  // Another process, which was given another key, was faster.
  if (made.digest !== keyDigest(key)) return undefined
  return (await installation.keep('first-key-made', own.key)) === own.key ? key : undefined
}

/** Makes another key with every scope but `work` for the first admin: the way back in when all keys are lost. */
export async function makeAdminKey(options: BootstrapOptions): Promise<string> {
  const { store } = options
  const own = newIds(options)
  const admin =
    (await findAdmin(store)) ??
    (await makeAdmin(options, (await store.users.count()) > 0 ? own : await settled(options, own)))
  const key = makeApiKey(randomBytes)
  await addKey(options, admin, { id: own.key, name: 'admin-key', key })
  await store.installation.keep('first-key-made', own.key)
  return key
}

const newIds = ({ newId }: BootstrapOptions): First => ({
  ...{ user: newId('user'), workspace: newId('workspace'), key: newId('key') },
})

async function settled({ store }: BootstrapOptions, own: First): Promise<First> {
  return JSON.parse(await store.installation.keep('first-key', JSON.stringify(own))) as First
}

async function findAdmin(store: Store) {
  let after: { createdAt: number; id: string } | undefined
  for (;;) {
    const page = await store.users.list({}, { limit: 200, after })
    const admin = page.find((user) => user.admin && !user.disabled)
    const last = page.at(-1)
    if (admin || !last) return admin
    after = last
  }
}

async function makeAdmin({ store }: BootstrapOptions, { user: id, workspace }: First) {
  const user = await store.users.create(
    {
      id,
      kind: 'person',
      externalId: null,
      externalIssuer: '',
      email: null,
      name: 'admin',
      metadata: {},
      limits: { maxKeys: null, runsPerDay: null, runningAtOnce: null },
      workspace,
      admin: true,
      disabled: false,
    },
    { role: 'owner', newWorkspace: { name: 'admin' } },
  )
  // It has neither an email nor an external id that another user could have.
  if (typeof user === 'string') throw new BootstrapError(`The admin could not be made: ${user}.`)
  return user
}

async function addKey(
  options: BootstrapOptions,
  user: { id: string; workspace: string },
  { id, name, key }: { id: string; name: string; key: string },
): Promise<KeyRecord> {
  const made = await options.store.keys.create(
    {
      ...{ id, user: user.id, workspace: user.workspace, name, description: null },
      scopes: SCOPES.filter((scope) => scope !== 'work'),
      ...{ suites: null, allowedIps: null, audiences: null, limits: null },
      ...{ digest: keyDigest(key), ...displayedParts(key) },
      expiresAt: options.maxDays === 0 ? null : options.now() + options.maxDays * DAY_MS,
    },
    Number.MAX_SAFE_INTEGER,
  )
  return made as KeyRecord
}
