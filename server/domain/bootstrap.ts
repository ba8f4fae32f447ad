import { randomBytes } from 'node:crypto'
import { displayedParts, isWellFormedApiKey, makeApiKey } from '../../contract/api-key.ts'
import { SCOPES } from '../../contract/scopes.ts'
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

/**
 * Makes the first user (an admin person) and its key with every scope but `work`, unless there is a user already. Answers
 * the key, which nothing can tell again, or undefined.
 */
export async function makeFirstKey(options: BootstrapOptions, chosen?: string): Promise<string | undefined> {
  const { store, newId } = options
  if ((await store.users.count()) > 0) return undefined
  if (chosen !== undefined && !isWellFormedApiKey(chosen)) {
    throw new BootstrapError(
      'The file of VERDICT_BOOTSTRAP_KEY_FILE does not hold an API key (vdt_, 30 random characters and 6 of checksum).',
    )
  }
  const user = await store.users.create(
    {
      id: newId('user'),
      kind: 'person',
      externalId: null,
      externalIssuer: '',
      email: null,
      name: 'admin',
      metadata: {},
      limits: { maxKeys: null, runsPerDay: null, runningAtOnce: null },
      workspace: newId('workspace'),
      admin: true,
      disabled: false,
    },
    { role: 'owner', newWorkspace: { name: 'admin' } },
  )
  if (typeof user === 'string') throw new BootstrapError('The first user was made by another process at the same time.')
  return addAdminKey(options, user, 'first key', chosen)
}

/** Makes another key with every scope but `work` for the first admin: the way back in when all keys are lost. */
export async function makeAdminKey(options: BootstrapOptions): Promise<string> {
  const admin = await findAdmin(options.store)
  return admin ? addAdminKey(options, admin, 'admin-key') : ((await makeFirstKey(options)) as string)
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

async function addAdminKey(
  options: BootstrapOptions,
  user: { id: string; workspace: string },
  name: string,
  chosen?: string,
): Promise<string> {
  const key = chosen ?? makeApiKey(randomBytes)
  await options.store.keys.create(
    {
      id: options.newId('key'),
      user: user.id,
      workspace: user.workspace,
      name,
      description: null,
      scopes: SCOPES.filter((scope) => scope !== 'work'),
      suites: null,
      allowedIps: null,
      audiences: null,
      limits: null,
      digest: keyDigest(key),
      ...displayedParts(key),
      expiresAt: options.maxDays === 0 ? null : options.now() + options.maxDays * DAY_MS,
    },
    Number.MAX_SAFE_INTEGER,
  )
  return key
}
