import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { makeApiKey } from '../../contract/api-key.ts'
import { composeAdminKey } from '../../server/compose-commands.ts'
import { readConfig } from '../../server/config.ts'
import { makeAdminKey, makeFirstKey } from '../../server/domain/bootstrap.ts'
import { idMaker } from '../../server/domain/ids.ts'
import type { Store } from '../../server/store/ports/store.ts'
import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { MovableClock } from '../support/clock.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'

const why = whyNoMongo()
const folder = mkdtempSync(join(tmpdir(), 'verdict-first-key-'))
afterAll(() => rmSync(folder, { recursive: true }))
const [KEY, OTHER] = [1, 2].map((n) => makeApiKey((bytes) => Buffer.alloc(bytes, n))) as [string, string]
const fileOf = (key: string) => {
  const file = join(folder, key.slice(-6))
  writeFileSync(file, key)
  return file
}
const SECRET = Buffer.alloc(32, 7).toString('base64')

describe.skipIf(why)(why ?? 'nodes that start at once on an empty MongoDB', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo?.stop())

  const settings = (database: string) => ({
    ...{ VERDICT_DATABASE_URL: database, VERDICT_SECRET_KEY: SECRET, VERDICT_ROLES: 'api', VERDICT_RUNNER: 'none' },
    VERDICT_PUBLIC_URL: 'http://verdict.example:4000',
  })
  async function startAll(keys: readonly string[]): Promise<TestServer[]> {
    const env = settings(mongo.database())
    const starts = keys.map((key) => startServer({ env: { ...env, VERDICT_BOOTSTRAP_KEY_FILE: fileOf(key) } }))
    const nodes = await Promise.all(starts)
    onTestFinished(async () => {
      for (const node of nodes) await node.stop()
    })
    return nodes
  }

  it.each([1, 2, 3])('make one first user, workspace and key, and take tokens of each other (start %i)', async () => {
    const nodes = await startAll([KEY, KEY, KEY])
    expect(nodes.map(({ key }) => key).sort()).toEqual(['', '', KEY])
    for (const of of nodes) {
      const token = await of.token(undefined, KEY)
      for (const node of nodes) {
        // Two that start together may have made a signing key each.
        const users = await node.request('GET', '/v1/users', { token })
        expect([users.status, users.json?.items?.length], users.text).toEqual([200, 1])
        expect((await node.request('GET', '/v1/keys', { token })).json.items).toHaveLength(1)
        expect((await node.request('GET', '/v1/workspaces', { token })).json.items).toHaveLength(1)
      }
    }
  })

  it('make one key though they were given different ones', async () => {
    const nodes = await startAll([KEY, OTHER])
    const [node] = nodes as [TestServer]
    const statuses = await Promise.all([KEY, OTHER].map(async (key) => (await node.exchange(exchangeForm(key))).status))
    expect(statuses.sort()).toEqual([200, 400])
    const [made] = nodes.map(({ key }) => key).filter(Boolean)
    expect(
      (await node.request('GET', '/v1/keys', { token: await node.token(undefined, made ?? KEY) })).json.items,
    ).toHaveLength(1)
  })

  it('share their first user with admin-key, which prints a key of its own each time', async () => {
    const env = settings(mongo.database())
    const { config } = readConfig({ ...env, VERDICT_DATA_DIR: folder }, folder)
    const keys = await Promise.all([composeAdminKey(config), composeAdminKey(config)])
    expect(keys[0]).not.toBe(keys[1])
    const node = await startServer({ env: { ...env, VERDICT_BOOTSTRAP_KEY_FILE: fileOf(OTHER) } })
    onTestFinished(() => node.stop())
    expect(node.key).toBe('')
    expect((await node.exchange(exchangeForm(OTHER))).status).toBe(400)
    for (const key of keys) {
      expect(
        (await node.request('GET', '/v1/users', { token: await node.token(undefined, key) })).json.items,
      ).toHaveLength(1)
    }
  })
})

describe('the first key', () => {
  async function open() {
    const clock = new MovableClock()
    const store = await openSqliteStore({ memory: true, clock })
    onTestFinished(() => store.close())
    const options = { store, newId: idMaker(clock), now: () => clock.now(), maxDays: 90 }
    return { store, options, clock }
  }
  const keysOf = async (store: Store) => {
    const [user] = await store.users.list({}, { limit: 1 })
    return store.keys.list({ user: user!.id }, { limit: 10 })
  }

  it.each(['users', 'keys'] as const)(
    'is made at the next start when the store went away before its %s',
    async (port) => {
      const { store, options } = await open()
      const create = async () => {
        throw new Error('away')
      }
      const broken = { ...store, [port]: { ...store[port], create } }
      await expect(makeFirstKey({ ...options, store: broken }, KEY)).rejects.toThrow('away')
      expect(await makeFirstKey(options, KEY)).toBe(KEY)
      expect(await makeFirstKey(options, KEY)).toBeUndefined()
      expect(await keysOf(store)).toMatchObject([{ name: 'first key' }])
      expect(await store.users.count()).toBe(1)
    },
  )

  it('is not made again once it was, whatever became of it', async () => {
    const { store, options } = await open()
    await makeFirstKey(options, KEY)
    const [key] = await keysOf(store)
    await store.users.delete(key!.user)
    expect(await makeFirstKey(options, KEY)).toBeUndefined()
    expect(await makeFirstKey(options, OTHER)).toBeUndefined()
    // The way back in when there is no admin any more.
    expect(await makeAdminKey(options)).toMatch(/^vdt_/)
    expect(await store.users.list({}, { limit: 5 })).toMatchObject([{ name: 'admin', admin: true }])
  })

  it('is not made where users are older than the claim to it', async () => {
    const { store, options } = await open()
    await makeAdminKey(options)
    const older = { ...store, installation: { ...store.installation, get: async () => undefined } }
    expect(await makeFirstKey({ ...options, store: older }, KEY)).toBeUndefined()
  })
})
