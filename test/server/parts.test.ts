import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../server/clock.ts'
import { readConfig } from '../../server/config.ts'
import { openParts } from '../../server/parts.ts'
import { openMongoStore } from '../../server/store/mongo/open.ts'
import type { Store } from '../../server/store/ports/store.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { MongoWire } from '../support/mongo-wire.ts'

const why = whyNoMongo()
/** More at once than any process may hold connections. */
const ASKED = 60

describe.skipIf(why)(why ?? 'a process on MongoDB', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo?.stop())

  /** What was opened on a wire of its own to the database. */
  async function wired(
    database: string,
    open: (url: string) => Promise<Store>,
  ): Promise<{ wire: MongoWire; store: Store }> {
    const wire = await new MongoWire(database).listen()
    onTestFinished(() => wire.close())
    // Nobody who waits for a connection gives up meanwhile.
    const store = await open(`${wire.url}&serverSelectionTimeoutMS=30000`)
    onTestFinished(() => store.close())
    return { wire, store }
  }

  it('holds 50 connections at most as an API node, and 10 as a sender', { timeout: 60_000 }, async () => {
    const database = mongo.database()
    const as = (VERDICT_ROLES: string) =>
      wired(database, async (VERDICT_DATABASE_URL) => {
        const env = {
          ...{ VERDICT_ROLES, VERDICT_DATABASE_URL, VERDICT_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') },
          ...{ VERDICT_PUBLIC_URL: 'http://verdict.example:4000' },
        }
        const { config } = readConfig(env, temporaryFolder('verdict-parts-'))
        return (await openParts(config, systemClock)).store
      })
    const api = await as('api')
    const both = await as('api,sender')
    const sender = await as('sender')
    // It may hold one for each that is asked: once it does, the others have all that they will ever have.
    const unlimited = await wired(database, async (url) => (await openMongoStore({ url, maxPoolSize: ASKED })).store)

    const processes = [api, both, sender, unlimited]
    for (const { wire } of processes) wire.hold('usr_nobody')
    const asked = processes.flatMap(({ store }) => Array.from({ length: ASKED }, () => store.users.get('usr_nobody')))
    const answered = Promise.all(asked)
    await vi.waitFor(() => expect(processes.map(({ wire }) => wire.held)).toEqual([50, 50, 10, ASKED]), 20_000)
    for (const { wire } of processes) wire.letGo()
    await answered
  })
})
