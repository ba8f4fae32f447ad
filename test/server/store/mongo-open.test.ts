import { createServer } from 'node:net'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { COLLECTIONS } from '../../../server/store/mongo/collections.ts'
import type { IndexFacts } from '../../../server/store/mongo/index-facts.ts'
import { type MongoOptions, openMongoStore } from '../../../server/store/mongo/open.ts'
import { createRun } from '../../contract/store/subject.ts'
import { skippedWithoutOwnMongo, startMongo, type TestMongo, whyNoMongo } from '../../support/mongo.ts'
import { startOldMongo } from '../../support/old-mongo.ts'

const why = whyNoMongo()
const skipped = skippedWithoutOwnMongo()
const QUICK = { serverSelectionTimeoutMs: 800 }

const problem = (url: string, options: Partial<MongoOptions> = {}) =>
  openMongoStore({ url, ...QUICK, ...options }).then(
    async ({ store }) => {
      await store.close()
      return 'it was opened'
    },
    (error: Error) => {
      expect(error.name).toBe('StoreError')
      return error.message
    },
  )

describe('what is no MongoDB', () => {
  it.each([
    ['another scheme', 'postgres://user:secret@127.0.0.1/verdict'],
    ['no host', 'mongodb://'],
    ['no URL', 'verdict'],
    ['a password that is not encoded', 'mongodb://user:sec/ret@127.0.0.1:1/verdict'],
    ['an unknown option', 'mongodb://user:secret@127.0.0.1:1/verdict?colour=blue'],
    ['a broken option', 'mongodb://user:secret@127.0.0.1:1/verdict?tls=perhaps'],
  ])('is refused with how it should look, and without the password: %s', async (_name, url) => {
    const message = await problem(url)
    expect(message).toMatch(/VERDICT_DATABASE_URL is not a URL of MongoDB.*mongodb:\/\/user:password@host/s)
    expect(message).not.toMatch(/secret|sec\/ret|user:s/)
  })

  it('is told when nothing listens there', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const message = await problem(`mongodb://user:secret@127.0.0.1:${port}/verdict`)
    expect(message).toMatch(`MongoDB at 127.0.0.1:${port} cannot be used`)
    expect(message).toMatch(/Check VERDICT_DATABASE_URL/)
    expect(message).not.toMatch('secret')
  })

  it('is waited for no longer than the URL says', async () => {
    const url = 'mongodb://127.0.0.1:1/verdict?retryWrites=true&serverSelectionTimeoutMS=100'
    expect(await problem(url, { serverSelectionTimeoutMs: 600_000 })).toMatch(/cannot be used/)
  })

  it('is told when the server is too old', async () => {
    const old = await startOldMongo(17)
    onTestFinished(() => old.stop())
    expect(await problem(old.url)).toMatch(/is older than 7\.0\. Upgrade it/)
  })
})

describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  async function withClient(url: string, act: (client: MongoClient) => Promise<unknown>) {
    const client = new MongoClient(url)
    await act(client)
    await client.close()
  }

  it('makes every collection with its indexes, and leaves them alone the next time', async () => {
    const url = mongo.database()
    for (let n = 0; n < 2; n++) {
      const { store, db } = await openMongoStore({ url })
      for (const [name, { indexes }] of Object.entries(COLLECTIONS)) {
        if (Object.keys(indexes).length === 0) continue
        const made = (await db.collection(name).indexes()).map((index) => index.name)
        const asked = Object.entries<IndexFacts>(indexes).filter(([, { only }]) => only !== 'sharded')
        expect(made.sort()).toEqual(['_id_', ...asked.map(([index]) => index)].sort())
      }
      await store.close()
    }
  })

  it('holds no more connections than it was told to, and reads from the primary', async () => {
    const { store, db } = await openMongoStore({ url: mongo.database(), maxPoolSize: 7 })
    expect(db.client.options).toMatchObject({ maxPoolSize: 7, retryWrites: true, retryReads: true })
    expect(db.readPreference?.mode).toBe('primary')
    await store.close()
  })

  it('makes again an index that somebody dropped', async () => {
    const url = mongo.database()
    const first = await openMongoStore({ url })
    await first.db.collection('runs').dropIndex('idempotency')
    await first.store.close()
    const { store, db } = await openMongoStore({ url })
    expect(await db.collection('runs').indexExists('idempotency')).toBe(true)
    await store.close()
  })

  it('has unique indexes that begin with the shard key, so that the collection can be sharded', () => {
    for (const [name, facts] of Object.entries(COLLECTIONS)) {
      if (!('shardKey' in facts)) continue
      for (const [index, { key, ...options }] of Object.entries(facts.indexes)) {
        if (!('unique' in options)) continue
        const start = Object.keys(key).slice(0, Object.keys(facts.shardKey).length)
        expect(start, `${name}.${index}`).toEqual(Object.keys(facts.shardKey))
      }
    }
  })

  it('lets the server remove what is old by the configured retention, also when that is changed', async () => {
    const url = mongo.database()
    const DAY = 24 * 3600
    for (const [logsDays, seconds] of [
      [30, 33 * DAY],
      [7, 10 * DAY],
    ] as const) {
      const { store, db } = await openMongoStore({ url, retention: { logsDays, runsDays: 365, auditDays: 90 } })
      const ttl = async (name: string) => (await db.collection(name).indexes()).find((index) => index.name === 'gone')
      expect(await ttl('run_log')).toMatchObject({ key: { at: 1 }, expireAfterSeconds: seconds })
      expect(await ttl('cases')).toMatchObject({ expireAfterSeconds: 368 * DAY })
      expect(await ttl('audit')).toMatchObject({ expireAfterSeconds: 93 * DAY })
      expect(await ttl('idempotency')).toMatchObject({ key: { gone: 1 }, expireAfterSeconds: 3 * DAY })
      expect(await ttl('runs')).toBeUndefined()
      await store.close()
    }
  })

  it('is a schema that many nodes bring up to date at once, one of them working', async () => {
    const url = mongo.database()
    const nodes = await Promise.all(Array.from({ length: 5 }, () => openMongoStore({ url })))
    expect(await nodes[0]!.db.collection('meta').findOne({ _id: 'schema' as never })).toEqual({
      _id: 'schema',
      version: 1,
    })
    for (const { store } of nodes) await store.close()
  })

  it('takes over a migration whose node is gone, and waits for one that is at it', async () => {
    const url = mongo.database()
    await withClient(url, (client) =>
      client
        .db()
        .collection('meta')
        .insertOne({ _id: 'schema' as never, version: 0, node: 'gone', leaseEndsAt: 1 }),
    )
    await (await openMongoStore({ url })).store.close()
    const meta = (client: MongoClient) => client.db().collection<{ _id: string; version: number }>('meta')
    await withClient(url, async (client) => {
      const busy = { version: 0, node: 'busy', leaseEndsAt: Date.now() + 3_600_000 }
      await meta(client).updateOne({ _id: 'schema' }, { $set: busy })
      let opened = false
      const waiting = openMongoStore({ url }).then(({ store }) => {
        opened = true
        return store.close()
      })
      await expect.poll(async () => (await meta(client).findOne({ _id: 'schema' }))?.version).toBe(0)
      expect(opened).toBe(false)
      await meta(client).updateOne({ _id: 'schema' }, { $set: { version: 1 } })
      await waiting
      // It waited, and did none of the work.
      expect(await meta(client).findOne({ _id: 'schema' })).toMatchObject({ node: 'busy', version: 1 })
    })
  })

  it('refuses a schema of a newer Verdict, and changes nothing', async () => {
    const url = mongo.database()
    await withClient(url, async (client) => {
      await client
        .db()
        .collection<{ _id: string }>('meta')
        .insertOne({ _id: 'schema', version: 99 } as never)
      expect(await problem(url)).toMatch(/schema version 99, and this Verdict knows versions up to 1: a newer Verdict/)
      const names = (await client.db().listCollections().toArray()).map(({ name }) => name)
      expect(names).toEqual(['meta'])
    })
  })

  it("refuses another program's database, and changes nothing", async () => {
    const url = mongo.database()
    await withClient(url, async (client) => {
      await client.db().collection('orders').insertOne({ n: 1 })
      expect(await problem(url)).toMatch(/holds collections of another program \(orders\)\. Name another one/)
      const names = (await client.db().listCollections().toArray()).map(({ name }) => name)
      expect(names).toEqual(['orders'])
    })
  })

  it('refuses a document over the limit before anything of it is written', async () => {
    const { store } = await openMongoStore({ url: mongo.database() })
    const large = createRun(store, { variables: { TEXT: 'x'.repeat(2 ** 20) } })
    await expect(large).rejects.toThrow(/document of \d+ bytes is too large for runs: at most 1048576/)
    expect(await store.queue.depth()).toEqual({ queued: 0, running: 0 })
    const event = { id: 'aud_1', action: 'key.created', outcome: 'allowed', detail: { text: 'x'.repeat(2 ** 20) } }
    await expect(store.audit.append([event as never])).rejects.toThrow(/too large for audit: at most 1048576/)
    expect(await store.audit.list({}, { limit: 5 })).toEqual([])
    await store.close()
  })

  it.skipIf(skipped !== '')(`starts without a replica set, and says what that costs${skipped}`, async () => {
    const standalone = await startMongo({ standalone: true })
    onTestFinished(() => standalone.stop())
    const { store, replicaSet, warnings } = await openMongoStore({ url: standalone.database() })
    expect(replicaSet).toBe(false)
    expect(warnings).toEqual([expect.stringMatching(/no replica set.*polling/)])
    await store.ping()
    await store.close()
  })

  it.skipIf(skipped !== '')(
    `tells wrong credentials, and a user who may only read, from an outage${skipped}`,
    async () => {
      const users = {
        ann: { password: 'right', role: 'root' as const },
        reader: { password: 'reads', role: 'readAnyDatabase' as const },
      }
      const secured = await startMongo({ users })
      onTestFinished(() => secured.stop())
      const as = (credentials: string) =>
        secured.database('verdict_x').replace('//', `//${credentials}@`).replace('?', '?authSource=admin&')
      const wrong = await problem(as('ann:wr0ng'))
      expect(wrong).toMatch(/refuses the user or the password/)
      expect(wrong).not.toMatch('wr0ng')
      expect(await problem(as('reader:reads'))).toMatch(/readWrite/)
      expect(await problem(as('ann:right'))).toBe('it was opened')
      expect(await problem(as('reader:reads'))).toMatch(/readWrite/)
    },
  )
})
