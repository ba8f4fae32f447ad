import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openMongoStore } from '../../../server/store/mongo/open.ts'
import {
  claim,
  createRun,
  finish,
  LEASE_MS,
  NO_LIMIT,
  newRun,
  PASSED,
  runningRun,
} from '../../contract/store/subject.ts'
import { startMongo, type TestMongo, whyNoOwnMongo } from '../../support/mongo.ts'

const why = whyNoOwnMongo()
const QUICK = { serverSelectionTimeoutMs: 1000, logGroupMs: 0 }

describe.skipIf(why)(why ?? 'with a server of our own', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo({ durable: true })
  })
  afterAll(() => mongo.stop())
  afterEach(() => vi.useRealTimers())

  async function open() {
    // A server that steps down says so to the driver that listens to it; this failure point says it to the caller alone, so
    // the driver has to look often.
    const url = `${mongo.database()}&heartbeatFrequencyMS=500`
    const { store } = await openMongoStore({ url, logGroupMs: 0 })
    onTestFinished(() => store.close())
    return store
  }

  describe('an answer that is lost', () => {
    it.each([
      ['because the connection broke', { closeConnection: true }],
      ['because the primary stepped down', { errorCode: 10107, errorLabels: ['RetryableWriteError'] }],
      ['because the server is shutting down', { errorCode: 91, errorLabels: ['RetryableWriteError'] }],
    ])('is asked for again by the driver, %s: a run is made, claimed and ended once', async (_name, failure) => {
      const store = await open()
      const failOnce = () => mongo.failCommand!({ failCommands: ['insert', 'update'], ...failure })
      await failOnce()
      const run = await createRun(store)
      await failOnce()
      expect(await claim(store)).toMatchObject({ id: run.id, attempt: 1 })
      await failOnce()
      expect(await finish(store, { run: run.id, attempt: 1 })).toMatchObject({ state: 'passed', version: 3 })
      await mongo.failCommand!({ failCommands: ['find'], closeConnection: true })
      expect(await store.runs.get(run.id)).toMatchObject({ state: 'passed' })
    })

    it('is an outage when it stays lost, and nothing is half written', async () => {
      const store = await open()
      const failure = { failCommands: ['insert'], errorCode: 91 }
      await mongo.failCommand!(failure, { times: 5 })
      await expect(createRun(store)).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' })
      await mongo.failCommand!(failure, 'off' as never)
      // The driver looks for a primary again, which takes it a moment.
      const depth = () => store.queue.depth().catch((error: Error) => error.name)
      await expect.poll(depth, { timeout: 10_000 }).toEqual({ queued: 0, running: 0 })
    })
  })

  it('a write that no majority confirms is an outage: it may or may not be there, and is asked for again', async () => {
    const store = await open()
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' }
    await mongo.failCommand!({ failCommands: ['insert'], writeConcernError })
    const keep = () => store.installation.keep('embedded-worker', 'wrk_1')
    await expect(keep()).rejects.toMatchObject({ name: 'StoreError', message: expect.stringMatching(/majority/) })
    expect(await keep()).toBe('wrk_1')
    await mongo.failCommand!({ failCommands: ['insert'], writeConcernError })
    const idempotency = { key: 'k', meaning: 'm' }
    const run = newRun()
    const create = () => store.runs.create(run, { maxQueued: NO_LIMIT, idempotency })
    await expect(create()).rejects.toMatchObject({ name: 'StoreError', message: expect.stringMatching(/majority/) })
    expect(await create()).toMatchObject({ run: { id: run.id }, replayed: true })
  })

  it('runs that could not be counted are counted with the next ones', async () => {
    const store = await open()
    await createRun(store)
    const list = () => store.usage.list({}, { limit: 5 })
    await mongo.failCommand!({ failCommands: ['update'], errorCode: 13 })
    await expect(list()).rejects.toMatchObject({ name: 'StoreError' })
    await createRun(store)
    expect(await list()).toMatchObject([{ runs: 2 }])
  })

  it('a disk without room is told as that', async () => {
    const store = await open()
    await mongo.failCommand!({ failCommands: ['insert'], errorCode: 14031 })
    await expect(createRun(store)).rejects.toMatchObject({ name: 'StoreError', code: 'full' })
  })

  it('a server that is away is an outage within the configured time, and all is there when it is back', async () => {
    const url = mongo.database()
    const { store } = await openMongoStore({ url, ...QUICK })
    onTestFinished(() => store.close())
    const { lease } = await runningRun(store)
    const queued = await createRun(store)
    await store.runLog.append(lease, 1, 'before')
    await mongo.kill()
    const start = performance.now()
    const away = { name: 'StoreError', code: 'unavailable' }
    await expect(store.ping()).rejects.toMatchObject(away)
    await expect(store.queue.finish(lease, 'wrk_1', PASSED)).rejects.toMatchObject(away)
    await expect(store.runLog.append(lease, 2, 'lost')).rejects.toMatchObject(away)
    expect(performance.now() - start).toBeLessThan(10_000)
    await mongo.restart()
    await expect
      .poll(
        () =>
          store.ping().then(
            () => 'back',
            () => 'away',
          ),
        { timeout: 20_000 },
      )
      .toBe('back')
    // What was acknowledged is there, what was refused is not, and the verdict can be handed in.
    expect(await store.runs.get(queued.id)).toEqual(queued)
    expect(await store.runLog.read(lease.run, 1, 0, 10)).toMatchObject([{ text: 'before' }])
    expect(await store.queue.holds(lease, 'wrk_1')).toBe(true)
    expect(await finish(store, lease)).toMatchObject({ state: 'passed' })
  })

  it.each([
    ['five minutes fast', 300_000],
    ['five minutes slow', -300_000],
  ])("a node whose clock is %s gives and ends leases by the store's", async (_name, skew) => {
    const url = mongo.database()
    const { store } = await openMongoStore({ url, ...QUICK })
    onTestFinished(() => store.close())
    const before = Date.now()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skew })
    const { run, lease } = await runningRun(store, { abandonAfterSeconds: 60, queueTimeoutSeconds: 60 })
    await createRun(store, { abandonAfterSeconds: 60, queueTimeoutSeconds: 60 })
    expect(Math.abs(run.createdAt - before)).toBeLessThan(60_000)
    expect(await store.queue.takeBackLost(10)).toEqual([])
    expect(await store.queue.cancelAbandoned(0, 10)).toEqual([])
    expect(await store.queue.endOverdue(10)).toEqual([])
    expect(await store.queue.renew(lease, 'wrk_1', LEASE_MS)).toEqual({ cancelReason: null })
    // A lease of no length is over at once, whatever the node thinks of the time.
    await store.queue.renew(lease, 'wrk_1', 0)
    expect(await store.queue.takeBackLost(10)).toMatchObject([{ id: run.id, state: 'queued', lostLeases: 1 }])
    expect(await store.queue.finish(lease, 'wrk_1', PASSED)).toBe('lost')
  })
})
