import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../../server/config.ts'
import { copyToMongo } from '../../server/copy-store.ts'
import { MovableClock } from '../support/clock.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { packedTree } from '../support/packed-tree.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startServerProcess } from '../support/server-process.ts'

const why = whyNoMongo()
const SECRET = Buffer.alloc(32, 5).toString('base64')
const DAY_MS = 86_400_000
const URL_OF_BOTH = 'http://verdict.example:4000'

/** A copy that is cut off, after which the server goes on with the source for a while. */
describe.skipIf(why)(why ?? 'a copy that is taken up again', () => {
  let mongo: TestMongo
  let folder: string
  let key = ''
  beforeAll(async () => {
    mongo = await startMongo()
    folder = mkdtempSync(join(tmpdir(), 'verdict-copy-'))
    await withSource(async (source) => {
      key = source.key
    })
  })
  afterAll(async () => {
    await mongo?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const env = { VERDICT_RUNNER: 'none', VERDICT_PUBLIC_URL: URL_OF_BOTH, VERDICT_SECRET_KEY: SECRET }
  const settings = { VERDICT_DATA_DIR: '', VERDICT_SECRET_KEY: SECRET }

  /** The server on the folder, for as long as that takes. */
  async function withSource(work: (source: TestServer) => Promise<void>, clock?: MovableClock): Promise<void> {
    const source = await startServer({ dataDir: folder, env, ...(clock ? { clock } : {}) })
    try {
      await work(source)
    } finally {
      await source.stop()
    }
  }
  function senderOf(source: TestServer, token: string) {
    return async (method: string, path: string, json?: object) => {
      const answer = await source.request(method, path, { token, ...(json ? { json } : {}) })
      expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300)
      return answer.json
    }
  }
  /** What was told of every collection: how many documents, and their digest. */
  async function copied(to: string, onProgress: (line: string) => void = () => undefined): Promise<string[]> {
    const lines: string[] = []
    const { config } = readConfig({ ...settings, VERDICT_DATA_DIR: folder }, folder)
    await copyToMongo(config, to, (line) => {
      lines.push(line)
      onProgress(line)
    })
    return lines
  }
  /** The command, killed as soon as it has told of that collection. */
  async function killedAfter(name: string, to: string): Promise<void> {
    const command = startServerProcess({ ...settings, VERDICT_DATA_DIR: folder, VERDICT_COPY_TO: to }, ['copy-store'])
    await new Promise<void>((resolve) => {
      command.child.stderr?.on('data', () => command.out.stderr.includes(`${name}: `) && resolve())
      void command.exited().then(() => resolve())
    })
    expect(command.out.stderr).toContain(`${name}: `)
    expect(await command.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
  }
  async function documentsOf(url: string, collection: string) {
    const client = new MongoClient(url)
    onTestFinished(() => client.close())
    return client.db().collection(collection).find({}).toArray()
  }
  const namesIn = async (url: string) => (await documentsOf(url, 'blobs.files')).map(({ filename }) => filename).sort()

  it('is the same as one of the source as it is now, though unique values changed hands since', async () => {
    const to = mongo.database()
    const ids: Record<string, string> = {}
    await withSource(async (source) => {
      const send = senderOf(source, await source.token(undefined, key))
      for (const name of ['ann', 'ben', 'cid', 'dan']) {
        const user = { name, email: `${name}@example.com`, externalId: `crm-${name}` }
        ids[name] = (await send('POST', '/v1/users', user)).id
      }
      for (const suite of ['one', 'two']) await send('PUT', `/v1/suites/${suite}`, { definition: { run: suite } })
      for (let n = 0; n < 3; n++) await send('POST', '/v1/callbacks', { url: `https://example.com/${n}` })
    })
    await killedAfter('suites', to)

    await withSource(async (source) => {
      const send = senderOf(source, await source.token(undefined, key))
      // Ann and Ben change their addresses, Cid goes, and Dan gets his; a new one comes by the name that Cid had elsewhere.
      await send('PATCH', `/v1/users/${ids.ann}`, { email: 'between@example.com' })
      await send('PATCH', `/v1/users/${ids.ben}`, { email: 'ann@example.com' })
      await send('PATCH', `/v1/users/${ids.ann}`, { email: 'BEN@example.com' })
      await send('DELETE', `/v1/users/${ids.cid}`)
      await send('PATCH', `/v1/users/${ids.dan}`, { email: 'cid@example.com' })
      ids.cid2 = (await send('POST', '/v1/users', { name: 'cid again', externalId: 'crm-cid' })).id
      // A suite that is made anew has its name and number from another one; slots of callbacks move up.
      await send('DELETE', '/v1/suites/one')
      await send('PUT', '/v1/suites/one', { definition: { run: 'anew' } })
      const { items } = await send('GET', '/v1/callbacks')
      await send('DELETE', `/v1/callbacks/${items.at(-1).id}`)
      await send('POST', '/v1/callbacks', { url: 'https://example.com/new' })
    })
    // Cut off once more, with some of it written over.
    await killedAfter('users', to)
    const resumed = await copied(to)

    const whole = mongo.database()
    expect(resumed).toEqual(await copied(whole))
    expect(resumed).toContainEqual(expect.stringMatching(/^users: 6 documents, SHA-256 [0-9a-f]{64}$/))
    const emails = Object.fromEntries(
      (await documentsOf(to, 'users')).map((user) => [String(user._id), user.emailFolded]),
    )
    expect(emails).toMatchObject({
      ...{ [ids.ann!]: 'ben@example.com', [ids.ben!]: 'ann@example.com', [ids.dan!]: 'cid@example.com' },
      ...{ [ids.cid!]: null, [ids.cid2!]: null },
    })

    // A server goes on with it, and the unique indexes hold.
    const node = await startServer({ env: { ...env, VERDICT_DATABASE_URL: to, VERDICT_ROLES: 'api' } })
    onTestFinished(() => node.stop())
    const token = await node.token(undefined, key)
    const taken = await node.request('POST', '/v1/users', { token, json: { name: 'x', email: 'Ben@Example.com' } })
    expect(taken.status).toBe(409)
  })

  it('has no file any more that the source removed since, and every other one', async () => {
    const to = mongo.database()
    const digests: Record<string, string> = {}
    async function upload(source: TestServer, name: string): Promise<void> {
      const body = new Uint8Array(await packedTree({ 'a.txt': name }))
      digests[name] = createHash('sha256').update(body).digest('hex')
      const headers = { 'content-type': 'application/gzip' }
      const token = await source.token(undefined, key)
      const put = await source.request('PUT', `/v1/archives/${digests[name]}`, { token, body, headers })
      expect(put.status, put.text).toBe(200)
    }
    await withSource(async (source) => {
      for (const name of ['unused', 'pushed']) await upload(source, name)
      const send = senderOf(source, await source.token(undefined, key))
      await send('PUT', '/v1/suites/pushed', { definition: { run: 'true', archive: digests.pushed } })
    })
    const cutOff = copied(to, (line) => {
      if (line.startsWith('files:')) throw new Error('cut off')
    })
    await expect(cutOff).rejects.toThrow('cut off')
    expect(await namesIn(to)).toEqual([digests.unused, digests.pushed].sort())

    // A fortnight later the server removes what nobody used. It spares a file that was written just now.
    const file = join(folder, 'blobs', digests.unused!.slice(0, 2), digests.unused!.slice(2, 4), digests.unused!)
    const anHourAgo = new Date(Date.now() - 3600_000)
    utimesSync(file, anHourAgo, anHourAgo)
    const clock = new MovableClock(Date.now() + 15 * DAY_MS)
    await withSource(async (source) => {
      await upload(source, 'new')
      clock.advance(61_000)
      await expect.poll(() => existsSync(file)).toBe(false)
    }, clock)
    expect(await copied(to)).toContain('files: 1 that the source has no more, removed')
    expect(await namesIn(to)).toEqual([digests.pushed, digests.new].sort())
    const files = (await documentsOf(to, 'blobs.files')).map(({ _id }) => String(_id))
    const chunks = (await documentsOf(to, 'blobs.chunks')).map(({ files_id }) => String(files_id))
    expect(new Set(chunks)).toEqual(new Set(files))
  })
})
