import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../server/clock.ts'
import { openMongoStore } from '../../server/store/mongo/open.ts'
import { changeStreamWake } from '../../server/wake/change-stream.ts'
import type { RunCollection } from '../../server/wake/run-poll.ts'
import type { WakeTopic } from '../../server/wake/wake.ts'
import { skippedWithoutOwnMongo, startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { createRun, LEASE_MS, PASSED, runningRun } from './store/subject.ts'
import { wakeContract } from './wake.contract.ts'

const why = whyNoMongo()
const skipped = skippedWithoutOwnMongo()
const NEVER = 3_600_000

describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  /** Two nodes on one database: what happens at `here` is heard of at `there`. */
  async function twoNodes(server: TestMongo, options: { checkMs?: number; watched?: string } = {}) {
    const url = server.database()
    const here = await openMongoStore({ url, logGroupMs: 0 })
    const there = await openMongoStore({ url })
    const runs: RunCollection = there.db.collection('runs')
    const other = options.watched && there.db.collection<{ _id: string }>(options.watched)
    // A stream that works and never says anything: it is another collection's.
    const watched = other ? Object.create(runs, { watch: { value: other.watch.bind(other) } }) : runs
    const notes: string[] = []
    const wake = changeStreamWake({
      runs: watched,
      after: systemClock.after,
      onNote: (note) => notes.push(note),
      ...(options.checkMs === undefined ? {} : { checkMs: options.checkMs }),
    })
    onTestFinished(async () => {
      wake.close()
      await there.store.close()
      await here.store.close()
    })
    const heard = new Map<WakeTopic, number>()
    const listen = (topic: WakeTopic) =>
      wake.subscribe(topic, () => {
        heard.set(topic, (heard.get(topic) ?? 0) + 1)
      })
    /** How many milliseconds it takes until the topic is heard of again. */
    async function until(topic: WakeTopic, act: () => Promise<unknown>): Promise<number> {
      const before = heard.get(topic) ?? 0
      await act()
      const start = performance.now()
      while ((heard.get(topic) ?? 0) === before) await sleep(2)
      return performance.now() - start
    }
    return { store: here.store, db: here.db, wake, heard, listen, until, notes }
  }

  wakeContract('a change stream', async () => {
    const client = new MongoClient(mongo.database())
    const wake = changeStreamWake({
      runs: client.db().collection<{ _id: string }>('runs'),
      after: systemClock.after,
      onNote: () => undefined,
    })
    return {
      wake,
      close: async () => {
        wake.close()
        await client.close()
      },
    }
  })

  describe('a change stream', () => {
    it('wakes the waiters of another node, with nothing polled', async () => {
      const { store, listen, until, heard } = await twoNodes(mongo, { checkMs: NEVER })
      listen('queue')
      // Until the stream is open.
      while (!heard.has('queue')) {
        await createRun(store, { workspace: 'wsp_warm' })
        await sleep(50)
      }
      await store.queue.claim({ id: 'wrk_0', labels: [] }, { leaseMs: LEASE_MS, perWorkspace: 1 })
      const { id } = await createRun(store, { workspace: 'wsp_a' })
      listen(id as WakeTopic)
      listen(`log:${id}` as WakeTopic)
      await until(id as WakeTopic, async () => {
        const options = { leaseMs: LEASE_MS, perWorkspace: 1, workspace: 'wsp_a' }
        await store.queue.claim({ id: 'wrk_1', labels: [] }, options)
      })
      const lease = { run: id, attempt: 1 }
      await until(`log:${id}` as WakeTopic, () => store.runLog.append(lease, 1, 'line'))
      await until(id as WakeTopic, () => store.runs.cancel(id, 'cancelled_by_user', 'stop'))
      await until(id as WakeTopic, () => store.queue.finish(lease, 'wrk_1', PASSED))
      await until('queue', () => createRun(store))
    })

    it('wakes nobody for a lease that is prolonged', async () => {
      const { store, listen, until, heard } = await twoNodes(mongo, { checkMs: NEVER })
      const { run, lease } = await runningRun(store)
      listen(run.id as WakeTopic)
      listen('queue')
      while (!heard.has('queue')) {
        await createRun(store)
        await sleep(50)
      }
      const before = heard.get(run.id as WakeTopic)
      await store.queue.renew(lease, 'wrk_1', LEASE_MS)
      await until('queue', () => createRun(store))
      expect(heard.get(run.id as WakeTopic)).toBe(before)
    })

    it('is not taken for silent while it works', async () => {
      const { store, listen, until, notes } = await twoNodes(mongo, { checkMs: 50 })
      const { run, lease } = await runningRun(store)
      listen(run.id as WakeTopic)
      for (let n = 1; n <= 20; n++) {
        const artifact = { path: `${n}`, bytes: 1, sha256: 'a' }
        await until(run.id as WakeTopic, () => store.artifacts.add(lease, artifact))
        await sleep(40)
      }
      expect(notes).toEqual([])
    })

    it('that says nothing any more is found out, and changes are polled for within a second', async () => {
      const { store, listen, until, notes } = await twoNodes(mongo, { watched: 'silent' })
      const { run, lease } = await runningRun(store)
      listen(run.id as WakeTopic)
      await sleep(1500)
      expect(await until(run.id as WakeTopic, () => store.runs.cancel(run.id, 'abandoned', 'x'))).toBeLessThan(1500)
      expect(await until(run.id as WakeTopic, () => store.queue.finish(lease, 'wrk_1', PASSED))).toBeLessThan(1500)
      await expect.poll(() => notes, { timeout: 10_000 }).toContainEqual(expect.stringMatching(/silent.*polled/))
    })
  })

  describe.skipIf(skipped !== '')(`without a replica set${skipped}`, () => {
    it('changes are polled for, and the operator is told', async () => {
      const standalone = await startMongo({ standalone: true })
      onTestFinished(() => standalone.stop())
      const { store, listen, until, notes } = await twoNodes(standalone)
      const { run, lease } = await runningRun(store)
      listen(run.id as WakeTopic)
      listen(`log:${run.id}` as WakeTopic)
      listen('queue')
      await expect.poll(() => notes, { timeout: 10_000 }).toEqual(['MongoDB is no replica set: changes are polled for'])
      await until(`log:${run.id}` as WakeTopic, () => store.runLog.append(lease, 1, 'line'))
      const ms = await until(run.id as WakeTopic, () => store.queue.finish(lease, 'wrk_1', PASSED))
      expect(ms).toBeLessThan(1500)
      await until('queue', () => createRun(store))
    })
  })

  describe.skipIf(skipped !== '')(`a stream that fails${skipped}`, () => {
    it.each([
      ['lost its place in the oplog', 286, /lost its place/],
      ['is refused', 13, /broke/],
    ])('because it %s wakes all who wait, is polled for, and is opened again', async (_name, errorCode, note) => {
      const own = await startMongo({ own: true })
      onTestFinished(() => own.stop())
      const { store, listen, until, notes, heard } = await twoNodes(own)
      const { run, lease } = await runningRun(store)
      listen(run.id as WakeTopic)
      await expect.poll(() => heard.get(run.id as WakeTopic) ?? 0, { timeout: 10_000 }).toBeGreaterThan(0)
      await until(run.id as WakeTopic, () => own.failCommand!({ failCommands: ['getMore'], errorCode }))
      await expect.poll(() => notes, { timeout: 10_000 }).toContainEqual(expect.stringMatching(note))
      await until(run.id as WakeTopic, () => store.queue.finish(lease, 'wrk_1', PASSED))
      await expect.poll(() => notes, { timeout: 10_000 }).toContain('changes are listened to again')
    })
  })
})
