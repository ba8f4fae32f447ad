import { afterEach, beforeEach } from 'vitest'
import { canonicalDefinition } from '../../../contract/definition.ts'
import type { DefinitionInput } from '../../../contract/suites.ts'
import type { KeyRecord, NewKeyRecord } from '../../../server/store/ports/keys.ts'
import type { NewRun, RunRecord, Verdict } from '../../../server/store/ports/runs.ts'
import type { Store } from '../../../server/store/ports/store.ts'
import type { SuitePush } from '../../../server/store/ports/suites.ts'
import type { UserRecord } from '../../../server/store/ports/users.ts'
import type { MovableClock } from '../../support/clock.ts'

/** An empty store whose time is that of the clock. */
export interface StoreSubject {
  store: Store
  clock: MovableClock
  close(): Promise<void>
}
export type OpenStore = () => Promise<StoreSubject>

/** A store of its own for every test of the `describe` in which it is called. */
export function useStore(open: OpenStore): Pick<StoreSubject, 'store' | 'clock'> {
  let subject: StoreSubject
  beforeEach(async () => {
    subject = await open()
  })
  afterEach(() => subject.close())
  return {
    get store() {
      return subject.store
    },
    get clock() {
      return subject.clock
    },
  }
}

export const WORKSPACE = 'wsp_1'
export const SECOND = 1000
export const DAY = 24 * 3600 * SECOND
export const LEASE_MS = 30 * SECOND
export const NO_LIMIT = 1_000_000

let made = 0
/** A new id; ids sort in the order in which they were made. */
export const nextId = (prefix: string) => `${prefix}_${String(++made).padStart(8, '0')}`
export const sha256 = (n: number) => n.toString(16).padStart(64, '0')

export function definition(input: Partial<DefinitionInput> = {}) {
  return canonicalDefinition({ run: 'npm test', ...input })
}

export function newRun(change: Partial<NewRun> = {}): NewRun {
  return {
    id: nextId('run'),
    workspace: WORKSPACE,
    suite: 'smoke',
    revision: null,
    definition: definition(),
    source: { kind: 'upload', digest: sha256(1), repository: null, commit: null, dirty: false },
    timeoutSeconds: 600,
    queueTimeoutSeconds: 3600,
    abandonAfterSeconds: null,
    callbackUrl: null,
    variables: {},
    sealedSecrets: null,
    labels: [],
    rerunOf: null,
    triggeredBy: { kind: 'key', id: 'key_1', name: 'ci', userId: 'usr_1' },
    ci: {},
    ...change,
  }
}

export async function createRun(store: Store, change: Partial<NewRun> = {}): Promise<RunRecord> {
  const answer = await store.runs.create(newRun(change), { maxQueued: NO_LIMIT })
  if (typeof answer === 'string') throw new Error(answer)
  return answer.run
}

export const claim = (store: Store, worker = 'wrk_1', labels: string[] = [], perWorkspace = NO_LIMIT) =>
  store.queue.claim({ id: worker, labels }, { leaseMs: LEASE_MS, perWorkspace })

/** A run that `wrk_1` has claimed, and its lease. */
export async function runningRun(store: Store, change: Partial<NewRun> = {}) {
  const { id } = await createRun(store, change)
  const run = await claim(store)
  if (run?.id !== id) throw new Error(`claimed ${run?.id}, not ${id}: another run was queued before`)
  return { run, lease: { run: id, attempt: run.attempt } }
}

export const PASSED: Verdict = {
  state: 'passed',
  results: { total: 1, passed: 1, failed: 0, errored: 0, skipped: 0, flaky: 0 },
  reason: null,
}

/** A run that `wrk_1` has ended as passed. */
export async function finishedRun(store: Store, change: Partial<NewRun> = {}) {
  const { lease } = await runningRun(store, change)
  return finish(store, lease)
}

export async function finish(store: Store, lease: { run: string; attempt: number }, owner = 'wrk_1') {
  const run = await store.queue.finish(lease, owner, PASSED)
  if (run === 'lost') throw new Error(`the lease of ${lease.run} was lost`)
  return run
}

export function newUser(change: Partial<Omit<UserRecord, 'createdAt'>> = {}): Omit<UserRecord, 'createdAt'> {
  return {
    id: nextId('usr'),
    kind: 'person',
    externalId: null,
    externalIssuer: '',
    email: null,
    name: null,
    metadata: {},
    limits: { maxKeys: null, runsPerDay: null, runningAtOnce: null },
    workspace: nextId('wsp'),
    admin: false,
    disabled: false,
    ...change,
  }
}

export function newKey(change: Partial<NewKeyRecord> = {}): NewKeyRecord {
  const id = nextId('key')
  return {
    id,
    user: 'usr_1',
    workspace: WORKSPACE,
    name: 'ci',
    description: null,
    scopes: ['runs:write', 'runs:read'],
    suites: null,
    allowedIps: null,
    audiences: null,
    limits: null,
    digest: `digest of ${id}`,
    start: 'vdt_abcd',
    end: 'wxyz',
    expiresAt: null,
    ...change,
  }
}

export async function createKey(store: Store, change: Partial<NewKeyRecord> = {}): Promise<KeyRecord> {
  const key = await store.keys.create(newKey(change), NO_LIMIT)
  if (key === 'too_many') throw new Error(key)
  return key
}

export function newPush(change: Partial<SuitePush> = {}): SuitePush {
  return {
    suiteId: nextId('sui'),
    revisionId: nextId('rev'),
    definition: definition(),
    digest: sha256(1),
    source: { repository: null, commit: null, dirty: null },
    createdBy: 'usr_1',
    takeOver: false,
    owner: false,
    ...change,
  }
}

/** Reads a whole list page by page, so that every join between two pages is crossed. */
export async function allPages<T extends { createdAt: number; id: string }>(
  list: (page: { limit: number; after?: { createdAt: number; id: string } }) => Promise<T[]>,
  limit = 3,
): Promise<T[]> {
  const items: T[] = []
  for (;;) {
    const page = await list({ limit, after: items.at(-1) })
    items.push(...page)
    if (page.length < limit) return items
  }
}
