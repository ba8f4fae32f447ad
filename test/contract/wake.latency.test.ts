import type { Document } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openMongoStore } from '../../server/store/mongo/open.ts'
import { changeStreamWake } from '../../server/wake/change-stream.ts'
import type { WakeTopic } from '../../server/wake/wake.ts'
import { skippedWithoutOwnMongo, startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { createRun, LEASE_MS, NO_LIMIT, PASSED } from './store/subject.ts'

// How late a waiter at one node learns of the end of a run at another: 50 ms with change streams, a second without. Timers are
// the test's own, so that no poll comes unless it lets one: what a busy machine adds is no part of either bound.

const why = whyNoMongo()
const skipped = skippedWithoutOwnMongo()
const CHANGE_STREAM_MS = 50
const POLL_MS = 1000

/** A run that ends at `here`, and who waits for it at `there`. */
async function twoNodes(mongo: TestMongo) {
  const url = mongo.database()
  const here = await openMongoStore({ url, logGroupMs: 0 })
  const there = await openMongoStore({ url })
  const timers: { ms: number; callback: () => void }[] = []
  const notes: string[] = []
  const wake = changeStreamWake({
    runs: there.db.collection('runs'),
    after(ms, callback) {
      const timer = { ms, callback }
      timers.push(timer)
      return () => timers.splice(timers.indexOf(timer), 1)
    },
    onNote: (note) => notes.push(note),
  })
  onTestFinished(async () => {
    wake.close()
    await there.store.close()
    await here.store.close()
  })
  const woken = (topic: WakeTopic) =>
    new Promise<void>((resolve) => {
      const stop = wake.subscribe(topic, () => {
        stop()
        resolve()
      })
    })
  /** As a waiter does: subscribed first, it looks, and looks again whenever it is woken. */
  async function seenEnded(id: WakeTopic & string): Promise<true> {
    for (;;) {
      const changed = woken(id)
      if ((await there.store.runs.get(id))?.state === 'passed') return true
      await changed
    }
  }
  async function running() {
    const { id, workspace } = await createRun(here.store, { workspace: 'wsp_a' })
    await here.store.queue.claim({ id: 'wrk_1', labels: [] }, { leaseMs: LEASE_MS, perWorkspace: NO_LIMIT, workspace })
    return id as WakeTopic & string
  }
  const end = (run: string) => here.store.queue.finish({ run, attempt: 1 }, 'wrk_1', PASSED)
  return { here, timers, notes, woken, seenEnded, running, end }
}

describe.skipIf(why)(why ?? 'a waiter at another node', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  it('is woken by the change stream, no later than 50 ms after a bare one of the driver (median of nine)', async () => {
    const { here, timers, seenEnded, running, end } = await twoNodes(mongo)
    const bare = here.db.collection('runs').watch()
    onTestFinished(() => bare.close())
    const endedAt = new Map<string, number>()
    const listening = (async () => {
      for await (const change of bare) {
        const { documentKey, updateDescription } = change as Document
        if (updateDescription?.updatedFields?.state === 'passed') endedAt.set(documentKey._id, performance.now())
      }
    })()
    listening.catch(() => undefined)
    // Until both streams are open.
    for (let open = false; !open || endedAt.size === 0; ) {
      const id = await running()
      const ended = seenEnded(id)
      await end(id)
      open ||= await Promise.race([ended, new Promise<false>((resolve) => setTimeout(resolve, 200, false))])
    }
    const later: number[] = []
    for (let n = 0; n < 9; n++) {
      const id = await running()
      const answered = seenEnded(id).then(() => performance.now())
      await end(id)
      const at = await answered
      await expect.poll(() => endedAt.has(id), { interval: 1, timeout: 10_000 }).toBe(true)
      later.push(at - endedAt.get(id)!)
    }
    // None of the polls came to be: the stream alone told.
    expect(timers.map(({ ms }) => ms)).toHaveLength(1)
    later.sort((left, right) => left - right)
    console.info(`woken so much later than by a bare stream: ${later.map((ms) => ms.toFixed(1)).join(' ')} ms`)
    expect(later[4]).toBeLessThan(CHANGE_STREAM_MS)
  })

  it.skipIf(skipped !== '')(
    `without change streams is woken by the next poll, which is due within a second${skipped}`,
    async () => {
      const standalone = await startMongo({ standalone: true })
      onTestFinished(() => standalone.stop())
      const { timers, notes, woken, running, end } = await twoNodes(standalone)
      await expect.poll(() => notes, { timeout: 10_000 }).toEqual(['MongoDB is no replica set: changes are polled for'])
      const id = await running()
      // The first look finds it as it is.
      const found = woken(id)
      await expect.poll(() => timers.length).toBe(1)
      timers.shift()!.callback()
      await found
      const answered = woken(id)
      await end(id)
      await expect.poll(() => timers.length).toBe(1)
      const poll = timers.shift()!
      expect(poll.ms).toBeLessThan(POLL_MS)
      poll.callback()
      await answered
    },
  )
})
