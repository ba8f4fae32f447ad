import { afterAll, beforeAll, describe } from 'vitest'
import { openMongoStore } from '../../server/store/mongo/open.ts'
import { MovableClock } from '../support/clock.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import type { StoreSubject } from './store/subject.ts'
import { storeContract } from './store.contract.ts'

const why = whyNoMongo()
/** A database with its indexes takes longer to make than most tests take with it: so many are made meanwhile. */
const AHEAD = 4

describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  const ahead: Promise<StoreSubject>[] = []
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(async () => {
    for (const subject of await Promise.all(ahead)) await subject.close()
    await mongo.stop()
  })

  async function open(): Promise<StoreSubject> {
    const clock = new MovableClock()
    const { store, db } = await openMongoStore({ url: mongo.database(), now: () => clock.now(), logGroupMs: 0 })
    return {
      store,
      clock,
      async close() {
        await db.dropDatabase()
        await store.close()
      },
    }
  }

  storeContract('MongoDB', () => {
    while (ahead.length <= AHEAD) ahead.push(open())
    return ahead.shift()!
  })
})
