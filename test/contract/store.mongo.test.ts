import { afterAll, beforeAll, describe } from 'vitest'
import { openMongoStore } from '../../server/store/mongo/open.ts'
import { MovableClock } from '../support/clock.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { storeContract } from './store.contract.ts'

const why = whyNoMongo()

describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  storeContract('MongoDB', async () => {
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
  })
})
