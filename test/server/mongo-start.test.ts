import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Db, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { startServerProcess } from '../support/server-process.ts'

const why = whyNoMongo()
const PASSWORD = 'hunter2'
const dataDir = mkdtempSync(join(tmpdir(), 'verdict-mongo-start-'))
afterAll(() => rmSync(dataDir, { recursive: true }))

const start = (database: string, secret: number, env: Record<string, string> = {}) =>
  startServerProcess({
    ...{ VERDICT_DATA_DIR: dataDir, VERDICT_DATABASE_URL: database, VERDICT_ROLES: 'api' },
    ...{ VERDICT_SECRET_KEY: Buffer.alloc(32, secret).toString('base64'), ...env },
  })

/** A start that cannot be is one clear line on standard error, without the password, and exit code 1. */
async function expectRefused(database: string, says: RegExp, env: Record<string, string> = {}): Promise<void> {
  const server = start(database, 1, env)
  expect(await server.exited()).toEqual({ code: 1, signal: null })
  expect(server.out.stderr).toMatch(says)
  expect(server.out.stderr).toMatch(/^verdict: .*\n$/s)
  expect(server.out.stderr).not.toMatch(/\n\s+at /)
  expect(server.out.stdout + server.out.stderr).not.toContain(PASSWORD)
}

describe('a server does not start', () => {
  it.each<[string, string, RegExp, Record<string, string>?]>([
    [
      'on what is no URL of MongoDB',
      `mongodb://u:${PASSWORD}@127.0.0.1:1/x?colour=blue`,
      /VERDICT_DATABASE_URL is not a URL/,
    ],
    [
      'where nobody answers',
      `mongodb://u:${PASSWORD}@127.0.0.1:1/x?serverSelectionTimeoutMS=100`,
      /MongoDB at 127.0.0.1:1 cannot be used: .*Check VERDICT_DATABASE_URL/,
    ],
    ['without its secret key', 'mongodb://127.0.0.1:1/x', /needs VERDICT_SECRET_KEY/, { VERDICT_SECRET_KEY: '' }],
  ])('%s', (_what, database, says, env) => expectRefused(database, says, env))
})

describe.skipIf(why)(why ?? 'on a MongoDB that it cannot work with', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo?.stop())

  async function withDb(database: string, work: (db: Db) => Promise<unknown>): Promise<void> {
    const client = new MongoClient(database)
    await work(client.db())
    await client.close()
  }
  const meta = (db: Db) => db.collection<{ _id: string; [name: string]: unknown }>('meta')

  it.each<[string, (db: Db) => Promise<unknown>, RegExp]>([
    [
      'a newer schema',
      (db) => meta(db).insertOne({ _id: 'schema', version: 99 }),
      /schema version 99.*a newer Verdict wrote it/,
    ],
    ['another program', (db) => db.collection('orders').insertOne({ n: 1 }), /another program \(orders\)/],
  ])('a server does not start, and leaves it as it was: %s', async (_what, work, says) => {
    const database = mongo.database()
    await withDb(database, work)
    const content = async (): Promise<unknown> => {
      const found: unknown[] = []
      await withDb(database, async (db) => {
        for (const { name } of await db.listCollections().toArray())
          found.push([name, await db.collection(name).find().toArray()])
      })
      return found
    }
    const before = await content()
    await expectRefused(database, says)
    expect(await content()).toEqual(before)
  })

  it('of two deployments with different secret keys that start at once on one database, one does', async () => {
    const database = mongo.database()
    const servers = [1, 2].map((secret) => start(database, secret))
    const ready = await Promise.all(servers.map((server) => server.ready().then(Boolean, () => false)))
    expect(ready.filter(Boolean), servers.map(({ out }) => out.stderr).join()).toHaveLength(1)
    const refused = servers[ready.indexOf(false)]!
    expect(await refused.exited()).toEqual({ code: 1, signal: null })
    expect(refused.out.stderr).toMatch(/^verdict: VERDICT_SECRET_KEY is not the key that this data was written with/)
    expect((await servers[ready.indexOf(true)]!.stop()).code).toBe(0)
    // And the same one does again.
    const again = start(database, ready.indexOf(true) + 1)
    await again.ready()
    await again.stop()
  })
})
