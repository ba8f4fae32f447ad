import type { CommandStartedEvent, Db } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openMongoStore } from '../../../server/store/mongo/open.ts'
import type { Store } from '../../../server/store/ports/store.ts'
import {
  claim,
  createKey,
  createRun,
  DAY,
  definition,
  finishedRun,
  LEASE_MS,
  NO_LIMIT,
  newPush,
  newUser,
  runningRun,
  sha256,
  WORKSPACE,
} from '../../contract/store/subject.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../../support/mongo.ts'

const why = whyNoMongo()
const PAGE = { limit: 5, after: { createdAt: Number.MAX_SAFE_INTEGER, id: 'z' } }
const CASE = {
  ...{ name: 'a', classname: null, testSuite: null, file: null, line: null, state: 'passed' as const },
  ...{ durationMs: null, message: null, details: null, flaky: false },
}

/** What is asked without an index, and why that is short. */
const MAY_SCAN: Readonly<Record<string, string>> = {
  'find signing_keys': 'a handful of keys',
  'update signing_keys': 'a handful of keys',
  'aggregate users': 'counted at the start and when a user is made',
  'find replaced_blobs': 'takes the first few of those that are to be removed',
}

/** Everything that is asked of the store while people, CI jobs, workers and sweepers use it. */
async function useEverything(store: Store): Promise<void> {
  const user = newUser({ email: 'a@b.c', externalId: 'e', externalIssuer: 'i', limits: limited() })
  await store.users.create(user, { role: 'owner', newWorkspace: { name: 'own' } })
  await store.users.findByExternalId('i', 'e')
  await store.users.update(user.id, { name: 'new', email: 'x@y.z' })
  await store.users.list({}, PAGE)
  await store.users.list({ workspace: user.workspace }, PAGE)
  await store.memberships.get(user.id, user.workspace)
  await store.memberships.list(user.workspace, PAGE)
  await store.memberships.change(user.id, user.workspace, 'member')
  await store.workspaces.listOf(user.id, PAGE)
  const key = await createKey(store, { expiresAt: Date.now() + 10 * DAY })
  await store.keys.findByDigest(key.digest)
  await store.keys.list({ user: key.user }, PAGE)
  await store.keys.list({ workspace: key.workspace }, PAGE)
  await store.keys.markUsed(key.id, null)
  const successor = { ...key, id: 'key_next', digest: 'next' }
  await store.keys.rotate(key.id, successor, { endsAt: null, atFirstUse: true, maxActive: 10 })
  await store.keys.endReplaced('key_next')
  await store.keys.revokeByHolder('key_next', null)
  await store.revocations.revokeToken('jti', Date.now() + DAY)
  await store.revocations.changedSince(Date.now() - DAY)
  await store.workers.findByDigest('none')
  await store.workers.list({ workspace: WORKSPACE, shared: true }, PAGE)
  await store.workers.seenSince(0, 10)
  await store.invitations.take('none')
  await store.invitations.expire(10)
  const scope = { workspace: WORKSPACE, caller: 'key_1', key: 'k' }
  await store.idempotency.reserve(scope, 'm')
  await store.idempotency.complete(
    scope,
    { status: 201, sealedBody: 's', secretOf: 'key_1' },
    { answerMs: DAY, bodyMs: DAY },
  )
  await store.idempotency.eraseSecretOf('key_1')
  await store.idempotency.expire(10)
  await store.archives.add({ workspace: WORKSPACE, sha256: sha256(1), bytes: 1, filesDigest: 'd' }, 100)
  await store.archives.markUsed(WORKSPACE, sha256(1))
  await store.suites.push(WORKSPACE, 'smoke', newPush({ definition: definition({ archive: sha256(1) }) }))
  await store.suites.get(WORKSPACE, 'smoke')
  await store.suites.list(WORKSPACE, PAGE)
  await store.suites.names(WORKSPACE)
  await store.suites.revision(WORKSPACE, 'smoke', 1)
  await store.suites.revisions(WORKSPACE, 'smoke', PAGE)
  await store.suiteSecrets.put(WORKSPACE, 'smoke', 'TOKEN', 's')
  await store.suiteSecrets.list(WORKSPACE, 'smoke')
  await store.archives.removeUnused(Date.now() + DAY, 10)
  await useRuns(store)
  await store.callbacks.active(WORKSPACE)
  await store.callbacks.list(WORKSPACE, PAGE)
  await store.outbox.take(10)
  await store.outbox.spread(1, [])
  await store.outbox.announceExpiring([30], 10)
  await store.deliveries.list(WORKSPACE, {}, PAGE)
  await store.deliveries.list(WORKSPACE, { callback: 'cbk_1' }, PAGE)
  await store.deliveries.dueEndpoints('', 10)
  await store.deliveries.nextDue()
  await store.deliveries.claim('e', 'me', 1, 10)
  await store.deliveries.releaseAllOf('me')
  await store.deliveries.removeOlder(Date.now(), 10)
  await store.triggers.list(WORKSPACE, PAGE)
  await store.triggers.runOf('trg_1', ['t'])
  await store.triggers.expire(10)
  for (const filter of [{}, { workspace: WORKSPACE }, { user: 'u' }, { credential: 'c', since: 1, until: 2 }]) {
    await store.audit.list(filter, PAGE)
  }
  await store.audit.removeOlder(Date.now() - DAY, 10)
  await store.usage.callsOf('key_1', '2026-01-01')
  await store.usage.list({}, { limit: 5, after: { day: '2026-01-01', user: 'u' } })
  await store.usage.list({ user: 'usr_1' }, { limit: 5 })
  await store.usage.list({ key: 'key_1', since: '2026-01-01' }, { limit: 5 })
}

const limited = () => ({ maxKeys: null, runsPerDay: null, runningAtOnce: 3 })

async function useRuns(store: Store): Promise<void> {
  const idempotency = { key: 'k', meaning: 'm' }
  const run = await createRun(store, { workspace: 'wsp_9', abandonAfterSeconds: 60, queueTimeoutSeconds: 60 })
  await store.runs.create({ ...run, id: 'run_a' }, { maxQueued: 5, maxPerDay: 9, idempotency })
  await store.runs.create({ ...run, id: 'run_b' }, { maxQueued: 5, maxPerDay: 9, idempotency })
  await store.queue.waiting(5)
  await store.runs.markWatched(run.id)
  for (let n = 0; n < 20; n++) await createRun(store, { definition: definition({ concurrency: 1 }) })
  for (let n = 0; n < 3; n++) await claim(store)
  await store.queue.claim({ id: 'wrk_1', labels: [] }, { leaseMs: LEASE_MS, perWorkspace: 1, workspace: 'wsp_9' })
  await store.queue.releaseAllOf('wrk_1')
  const { lease } = await runningRun(store, { workspace: 'wsp_8', createdAt: 0 } as object).catch(() => held(store))
  await store.queue.renew(lease, 'wrk_1', LEASE_MS)
  await store.queue.heldBy('wrk_1', 5)
  await store.runLog.append(lease, 1, 'line')
  await store.runLog.read(lease.run, 1, 0, 10)
  await store.cases.append(lease, 1, [CASE])
  await store.cases.list(lease.run, lease.attempt, { afterId: 0, limit: 10 })
  await store.cases.list(lease.run, lease.attempt, { state: 'failed', afterId: 0, limit: 10 })
  await store.artifacts.add(lease, { path: 'a', bytes: 1, sha256: sha256(3) })
  await store.artifacts.list(lease.run, lease.attempt)
  await store.queue.finish(lease, 'wrk_1', { state: 'passed', results: null, reason: null })
  for (const filter of filters) await store.runs.list(WORKSPACE, filter, PAGE)
  await store.runs.unfinishedOf('usr_1', 5, 'run')
  await store.queue.depth()
  await store.queue.takeBackLost(5)
  await store.queue.cancelAbandoned(0, 5)
  await store.queue.endOverdue(5)
  await store.runLog.removeOlder(Date.now() + DAY, 5)
  await store.artifacts.removeOlder(Date.now() + DAY, 5)
  await store.runs.removeOlder(Date.now() + DAY, 5)
}

const filters = [
  ...[{}, { suite: 'smoke' }, { state: 'queued' as const }, { suite: 'smoke', state: 'passed' as const }],
  ...[{ label: 'x' }, { commit: 'c', branch: 'b' }, { suites: ['a', 'b'] }, { since: 1, until: 2, repository: 'r' }],
]

async function held(store: Store) {
  const run = (await claim(store))!
  return { lease: { run: run.id, attempt: run.attempt } }
}

describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  it.each([
    ['on a replica set', false],
    ['bucket by bucket, as on a sharded cluster', true],
  ])(
    'every query walks an index and scans no collection, every write waits for a majority, none needs a transaction, %s',
    async (_name, sharded) => {
      const asked: CommandStartedEvent[] = []
      const url = mongo.database()
      const { store, db } = await openMongoStore({ url, sharded, onCommand: (command) => asked.push(command) })
      asked.length = 0
      await useEverything(store)
      const commands = [...asked]
      const plans = new Map<string, unknown>()
      for (const { commandName, command } of commands) {
        if (!(commandName in EXPLAINED)) continue
        const shape = `${commandName} ${command[commandName]} ${shapeOf(EXPLAINED[commandName as 'find'](command))}`
        if (!plans.has(shape)) plans.set(shape, await planOf(db, command))
      }
      expect(plans.size).toBeGreaterThan(100)
      const scans = [...plans].filter(([shape, plan]) => {
        const [command, collection] = shape.split(' ')
        return /COLLSCAN/.test(JSON.stringify(plan)) && !(`${command} ${collection}` in MAY_SCAN)
      })
      expect(scans.map(([shape]) => shape)).toEqual([])
      const writes = commands.filter(({ commandName }) => WRITES.has(commandName))
      expect(writes.length).toBeGreaterThan(80)
      for (const { commandName, command } of writes) {
        expect(command.writeConcern, commandName).toMatchObject({ w: 'majority' })
        // The driver repeats what it may: all but writes to many documents (retryable writes).
        const isMany = [...(command.updates ?? []), ...(command.deletes ?? [])].some(
          ({ multi, limit }: Doc) => multi || limit === 0,
        )
        if (!isMany) expect(command.txnNumber, commandName).toBeDefined()
      }
      expect(commands.filter(({ command }) => 'startTransaction' in command || 'autocommit' in command)).toEqual([])
      await store.close()
    },
  )

  it('a claim costs as much behind a thousand runs that wait for a slot as behind one', async () => {
    const asked: string[] = []
    const onCommand = ({ commandName }: CommandStartedEvent) => asked.push(commandName)
    const { store } = await openMongoStore({ url: mongo.database(), onCommand })
    const one = definition({ concurrency: 1 })
    for (let n = 0; n < 60; n++) await createRun(store, { definition: one })
    await claim(store)
    const small = await createRun(store, { workspace: 'wsp_small' })
    asked.length = 0
    expect((await claim(store))?.id).toBe(small.id)
    expect(asked.length).toBeLessThan(16)
    await store.close()
  })

  it('claims at once on one node each try a run of their own', async () => {
    const tried: string[] = []
    const onCommand = ({ commandName, command }: CommandStartedEvent) => {
      if (commandName === 'update') tried.push(command.updates[0].q._id)
    }
    const { store } = await openMongoStore({ url: mongo.database(), onCommand })
    const wide = definition({ concurrency: NO_LIMIT })
    const runs = []
    for (let n = 0; n < 8; n++) runs.push(await createRun(store, { definition: wide }))
    tried.length = 0
    const claimed = await Promise.all(['wrk_1', 'wrk_2', 'wrk_3', 'wrk_4'].map((worker) => claim(store, worker)))
    const oldest = runs.slice(0, 4).map(({ id }) => id)
    expect(claimed.map((run) => run?.id).sort()).toEqual(oldest)
    expect([...tried].sort()).toEqual(oldest)
    await store.close()
  })

  it('a run that is found, claimed, renewed and ended asks one shard, once its place is known', async () => {
    const asked: CommandStartedEvent[] = []
    const url = mongo.database()
    const { store } = await openMongoStore({ url, sharded: true, onCommand: (command) => asked.push(command) })
    for (let n = 0; n < 8; n++) await createRun(store, { workspace: `wsp_${n}` })
    const claimed = []
    for (let n = 0; n < 8; n++) claimed.push((await claim(store))!)
    // Every bucket is asked in turn: all are found, whatever bucket they are in.
    expect(new Set(claimed.map(({ workspace }) => workspace)).size).toBe(8)
    await store.runs.get(claimed[0]!.id)
    asked.length = 0
    const lease = { run: claimed[0]!.id, attempt: 1 }
    await store.runs.get(lease.run)
    await store.queue.renew(lease, 'wrk_1', LEASE_MS)
    await store.runs.list('wsp_1', {}, PAGE)
    await store.queue.finish(lease, 'wrk_1', { state: 'passed', results: null, reason: null })
    const ofRuns = asked.filter(({ commandName, command }) => command[commandName] === 'runs')
    expect(ofRuns.length).toBeGreaterThan(3)
    for (const { command } of ofRuns) {
      expect(JSON.stringify(command.filter ?? command.query ?? command.updates)).toMatch(/"bucket":\d/)
    }
    await finishedRun(store, { workspace: 'wsp_other' })
    await store.close()
  })
})

const WRITES = new Set(['insert', 'update', 'delete', 'findAndModify'])
/** The commands that look for documents, and where they say which. */
const EXPLAINED = {
  find: (command: Doc) => [command.filter, command.sort],
  aggregate: (command: Doc) => command.pipeline,
  count: (command: Doc) => command.query,
  findAndModify: (command: Doc) => command.query,
  update: (command: Doc) => command.updates.map((one: Doc) => one.q),
  delete: (command: Doc) => command.deletes.map((one: Doc) => one.q),
}
// biome-ignore lint/suspicious/noExplicitAny: commands are what they are
type Doc = any

/** The names that are asked for, without the values. */
function shapeOf(query: unknown): string {
  return JSON.stringify(query, (name, value) => (name === '' || (value && typeof value === 'object') ? value : 0))
}

const SESSION = ['lsid', 'txnNumber', '$clusterTime', '$db', 'writeConcern', 'readConcern', '$readPreference']
async function planOf(db: Db, command: Doc): Promise<unknown> {
  const explain = Object.fromEntries(Object.entries(command).filter(([name]) => !SESSION.includes(name)))
  if (explain.updates) explain.updates = [(explain.updates as Doc[])[0]]
  if (explain.deletes) explain.deletes = [(explain.deletes as Doc[])[0]]
  return db.command({ explain, verbosity: 'queryPlanner' })
}
