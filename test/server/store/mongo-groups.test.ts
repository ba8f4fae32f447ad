import type { CommandStartedEvent } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openMongoStore } from '../../../server/store/mongo/open.ts'
import { createKey, createRun, NO_LIMIT, newRun } from '../../contract/store/subject.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../../support/mongo.ts'

const why = whyNoMongo()

/** What comes at the same time is asked of MongoDB together. */
describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  async function open() {
    const asked: string[] = []
    const onCommand = ({ commandName, command }: CommandStartedEvent) =>
      asked.push(`${commandName} ${command[commandName]}`)
    const { store } = await openMongoStore({ url: mongo.database(), onCommand })
    return { store, asked }
  }

  it('runs that are queued at the same time, far from the limit, share their commands, and so does their usage', async () => {
    const { store, asked } = await open()
    await createRun(store)
    asked.length = 0
    await createRun(store)
    expect(asked).toEqual(['aggregate meta', 'insert runs'])
    asked.length = 0
    await Promise.all(Array.from({ length: 30 }, () => createRun(store)))
    expect(asked.filter((name) => name === 'insert runs').length).toBeLessThanOrEqual(3)
    expect(asked.filter((name) => name !== 'insert runs' && name !== 'aggregate meta')).toEqual([])
    asked.length = 0
    expect(await store.usage.list({}, { limit: 5 })).toMatchObject([{ runs: 32 }])
    expect(asked).toEqual(['update usage', 'find usage'])
    await store.close()
  })

  it('of runs that are queued at the same time each is taken or refused by itself', async () => {
    const { store } = await open()
    const create = (change: Parameters<typeof newRun>[0], key?: string) =>
      store.runs.create(newRun(change), { maxQueued: NO_LIMIT, ...(key && { idempotency: { key, meaning: 'm' } }) })
    const outcomeOf = async (made: ReturnType<typeof create>) => {
      const one = await made.catch((error: Error) => error.name)
      return typeof one === 'string' ? one : one.replayed
    }
    const twice = await Promise.all([create({}), create({}, 'k'), create({}, 'k'), create({}, 'k')].map(outcomeOf))
    expect([twice[0], ...twice.slice(1).sort()]).toEqual([false, false, true, true])
    const large = { variables: { TEXT: 'x'.repeat(2 ** 20) } }
    const others = [create(large), create({ workspace: 'wsp_2' }, 'k'), create({}, 'k')]
    expect(await Promise.all(others.map(outcomeOf))).toEqual(['RangeError', false, true])
    expect((await store.queue.depth()).queued).toBe(3)
    await store.close()
  })

  it('keys that are looked for at the same time are found together, each with what it is', async () => {
    const { store, asked } = await open()
    const keys = []
    for (let n = 0; n < 30; n++) keys.push(await createKey(store, { name: `key ${n}` }))
    asked.length = 0
    const digests = [...keys.map(({ digest }) => digest), 'none', keys[0]!.digest]
    const found = await Promise.all(digests.map((digest) => store.keys.findByDigest(digest)))
    expect(found.map((key) => key?.name)).toEqual([...keys.map(({ name }) => name), undefined, 'key 0'])
    expect(asked.length).toBeLessThanOrEqual(3)
    expect(new Set(asked)).toEqual(new Set(['aggregate keys']))
    await store.close()
  })
})
