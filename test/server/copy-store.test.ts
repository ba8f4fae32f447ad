import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { readConfig } from '../../server/config.ts'
import { copyText, copyToMongo } from '../../server/copy-store.ts'
import { openMongoStore } from '../../server/store/mongo/open.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { packedTree } from '../support/packed-tree.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { startServerProcess } from '../support/server-process.ts'
import { caseOf, handWorker } from './hand-worker.ts'

const why = whyNoMongo()
const URL_OF_BOTH = 'http://verdict.example:4000'
const HOOK = 'https://example.com/hook'
const nothing = () => undefined
/** Tables whose rows are within other documents, or are sums. */
const WITHIN = ['case_blocks', 'memberships', 'payloads', 'run_facts', 'workspace_totals', 'sqlite_sequence']

let dataDir: string
let key: string
let token: string
let run: string
let running: string
let delivery: string
let ownKey: string
let archive: Uint8Array<ArrayBuffer>
/** What the API of the source said at the end. */
let before: Map<string, unknown>

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const settings = (env: Record<string, string> = {}) => ({ VERDICT_DATA_DIR: dataDir, ...env })
const copy = (to: string, onProgress: (line: string) => void = nothing, env: Record<string, string> = {}) =>
  copyToMongo(readConfig(settings(env), dataDir).config, to, onProgress)
const secret = () => readFileSync(join(dataDir, 'secret-key'), 'utf8').trim()
const nodeOn = (database: string) =>
  startServer({
    env: {
      ...{ VERDICT_DATABASE_URL: database, VERDICT_SECRET_KEY: secret(), VERDICT_RUNNER: 'none' },
      ...{ VERDICT_PUBLIC_URL: URL_OF_BOTH, VERDICT_ROLES: 'api' },
    },
  })

/** Why a run waits is told by a look at the queue, a moment after the start: it may come before or after a test's. */
const unexplained = (_name: string, value: { state?: string } | null) =>
  value?.state === 'queued' ? { ...value, reason: null, version: 1 } : value

/** All that the API shows, list by list. */
async function seen(server: TestServer): Promise<Map<string, unknown>> {
  const me = await server.request('GET', '/v1/me', { token })
  const workspace = me.json.workspace.id
  const paths = [
    ...['/v1/me', '/v1/users', '/v1/keys', '/v1/suites', '/v1/suites/smoke', '/v1/suites/smoke/revisions'],
    ...['/v1/suites/smoke/secrets', '/v1/runs', '/v1/runs?label=nightly', '/v1/runs?state=passed', `/v1/runs/${run}`],
    ...['cases', 'log', 'artifacts', 'artifacts/shots%2Fone.png', 'junit'].map((part) => `/v1/runs/${run}/${part}`),
    ...[
      '/v1/callbacks',
      '/v1/deliveries',
      `/v1/deliveries/${delivery}`,
      '/v1/triggers',
      '/v1/workspaces',
      `/v1/workspaces/${workspace}/members`,
    ],
    ...['/v1/workers', '/v1/audit?limit=200', '/v1/usage'],
  ]
  const answers = new Map<string, unknown>()
  for (const path of paths) {
    const answer = await server.request('GET', path, { token })
    expect([path, answer.status]).toEqual([path, 200])
    answers.set(path, answer.json === undefined ? answer.text : JSON.parse(answer.text, unexplained))
  }
  return answers
}

/** A deployment with something of everything. `receiver`: an address that takes callbacks. */
async function fill(server: TestServer, receiver: string): Promise<void> {
  const send = async (method: string, path: string, json?: object, headers: Record<string, string> = {}) => {
    const answer = await server.request(method, path, { token, headers, ...(json ? { json } : {}) })
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300)
    return answer.json
  }
  const packed = await packedTree({ 'a.txt': 'content of the tree' })
  archive = new Uint8Array(packed)
  const put = await server.request('PUT', `/v1/archives/${sha256(archive)}`, {
    token,
    body: archive,
    headers: { 'content-type': 'application/gzip' },
  })
  expect(put.status, put.text).toBe(200)
  const definition = { run: 'true', archive: sha256(archive), secrets: ['TOKEN'], report: 'r.xml', artifacts: '**' }
  await send('PUT', '/v1/suites/smoke', { definition: { run: 'false' } })
  await send('PUT', '/v1/suites/smoke', { definition })
  await send('PUT', '/v1/suites/smoke/secrets/TOKEN', { value: 'hunter2' })
  await send('POST', '/v1/callbacks', { url: HOOK, suites: ['other'] })
  const told = await send('POST', '/v1/callbacks', { url: receiver, suites: ['other'] })
  delivery = (await send('POST', `/v1/callbacks/${told.id}/test`)).id
  await vi.waitFor(async () => expect((await send('GET', `/v1/deliveries/${delivery}`)).state).toBe('delivered'), {
    timeout: 10_000,
  })
  const user = await send('POST', '/v1/users', { name: 'Ann', email: 'Ann@Example.com', externalId: 'crm-7' })
  ownKey = (await send('POST', `/v1/users/${user.id}/keys`, { name: 'ci', scopes: ['runs:read'] })).key
  const old = await send('POST', '/v1/keys', { name: 'old', scopes: ['runs:read'] })
  await send('POST', `/v1/keys/${old.id}/rotate`, {})
  const revoked = await send('POST', '/v1/keys', { name: 'revoked', scopes: ['runs:read'] })
  await server.request('DELETE', `/v1/keys/${revoked.id}`, { token })
  await send('POST', '/v1/triggers', { suite: 'smoke', kind: 'github' })
  await send('POST', '/v1/workers', { name: 'builder' })
  const { workspace: room } = await send('GET', '/v1/me')
  await send('POST', `/v1/workspaces/${room.id}/invitations`, { role: 'member' })

  const worker = handWorker(server)
  await worker.present()
  run = (await send('POST', '/v1/runs', { suite: 'smoke', labels: ['nightly'] }, { 'idempotency-key': 'k-1' })).id
  const job = await worker.claim(run)
  await worker.work.log(job.lease, 1, 'first line\n')
  await worker.work.log(job.lease, 2, 'ünïcode 🙂 $$NOW\n')
  await worker.work.artifact(job.lease, 'shots/one.png', Readable.from([Buffer.from('a picture')]))
  await worker.pass(job, [caseOf('works'), caseOf('fails', { state: 'failed', message: 'no' })])
  running = (await send('POST', '/v1/runs', { suite: 'smoke' })).id
  const held = await worker.claim(running)
  await worker.work.log(held.lease, 1, 'half way\n')
  await worker.work.cases(held.lease, 1, [caseOf('early')])
  await send('POST', '/v1/runs', { suite: 'smoke', labels: ['waits'] })
}

beforeAll(async () => {
  if (why) return
  dataDir = join(temporaryFolder('verdict-copy-'), 'data')
  const env = { VERDICT_RUNNER: 'none', VERDICT_PUBLIC_URL: URL_OF_BOTH, VERDICT_ALLOWED_PRIVATE_CIDRS: '127.0.0.1' }
  const source = await startServer({ dataDir, env })
  const receiver = createServer((_request, response) => response.end())
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  key = source.key
  token = await source.token()
  await fill(source, `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`)
  before = await seen(source)
  await source.stop()
  receiver.close()
})

/** Everything in the data folder by its digest, but for the locks and an empty journal: SQLite makes them to read. */
function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true }).map(String)
  const files = names.filter(
    (name) => statSync(join(folder, name)).isFile() && !/^(lock|pid|verdict\.db-shm)$/.test(name),
  )
  const said = files.filter((name) => name !== 'verdict.db-wal' || statSync(join(folder, name)).size > 0)
  return Object.fromEntries(said.map((name) => [name, sha256(readFileSync(join(folder, name)))]))
}

describe.skipIf(why)(why ?? 'copy-store', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo?.stop())

  async function collectionsOf<T>(url: string, work: (db: ReturnType<MongoClient['db']>) => Promise<T>): Promise<T> {
    const client = new MongoClient(url)
    try {
      return await work(client.db())
    } finally {
      await client.close()
    }
  }

  it('takes everything to MongoDB, where a server goes on with it, and leaves the folder as it was', async () => {
    const to = mongo.database()
    const files = filesOf(dataDir)
    const lines: string[] = []
    const facts = await copy(to, (line) => lines.push(line))
    expect(filesOf(dataDir)).toEqual(files)
    expect(lines).toContainEqual(expect.stringMatching(/^runs: 3 documents, SHA-256 [0-9a-f]{64}$/))
    expect(lines).toContainEqual(expect.stringMatching(/^files: 2, \d+ bytes$/))
    expect(copyText(facts)).toContain(`VERDICT_SECRET_KEY to what the file ${join(dataDir, 'secret-key')} holds`)

    const server = await nodeOn(to)
    onTestFinished(() => server.stop())
    // The token of the old server is good here, and shows the same.
    const after = await seen(server)
    for (const [path, answer] of before) {
      if (path.startsWith('/v1/audit') || path === '/v1/usage') continue
      expect([path, after.get(path)]).toEqual([path, answer])
    }
    const audit = (answers: Map<string, unknown>) => (answers.get('/v1/audit?limit=200') as { items: object[] }).items
    expect(audit(after)).toEqual(expect.arrayContaining(audit(before)))
    expect((await server.exchange(exchangeForm(ownKey))).status).toBe(200)
    expect((await server.exchange(exchangeForm(key))).status).toBe(200)
    const packed = await server.request('HEAD', `/v1/archives/${sha256(archive)}`, { token })
    expect(packed.status).toBe(200)

    // An idempotency key of then is known, and the waiting run can be claimed with its secret and its tree.
    const again = await server.request('POST', '/v1/runs', {
      token,
      json: { suite: 'smoke', labels: ['nightly'] },
      headers: { 'idempotency-key': 'k-1' },
    })
    expect([again.json.id, again.headers.get('idempotent-replayed')]).toEqual([run, 'true'])
    const waiting = (await server.request('GET', '/v1/runs?label=waits', { token })).json.items[0].id
    const worker = handWorker(server)
    const job = await worker.claim(waiting)
    expect(job.secrets).toEqual({ TOKEN: 'hunter2' })
    const chunks: Uint8Array[] = []
    for await (const chunk of (await worker.work.archive(job.lease)) ?? []) chunks.push(chunk)
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(archive))
    await worker.pass(job)
    expect((await server.request('GET', `/v1/runs/${waiting}`, { token })).json.state).toBe('passed')
    expect((await server.request('GET', `/v1/runs/${running}/log`, { token })).text).toBe('half way\n')
    const next = await server.request('PUT', '/v1/suites/smoke', { token, json: { definition: { run: 'next' } } })
    expect(next.json.revision).toBe(3)
  })

  it('lets the worker of a running run go on, with what it sent before', async () => {
    const to = mongo.database()
    await copy(to)
    await collectionsOf(to, async (db) => {
      expect(await db.collection('runs').findOne({ _id: running as never })).toMatchObject({
        ...{ state: 'running', open: true, caseCount: 1, caseBlocks: [{ seq: 1, from: 1, count: 0 }], logSeq: 1 },
        ...{ owner: expect.any(String), leaseEndsAt: expect.any(Number) },
      })
    })
  })

  it('goes on after it was cut off, and puts right what is not as it should be', async () => {
    const to = mongo.database()
    const cut = (name: string) => (line: string) => {
      if (line.startsWith(`${name}:`)) throw new Error('cut off')
    }
    await expect(copy(to, cut('suites'))).rejects.toThrow('cut off')
    await expect(nodeOn(to)).rejects.toThrow(/holds a copy that is not finished. Run copy-store again/)
    await collectionsOf(to, async (db) => {
      await db.collection<{ _id: string }>('keys').deleteOne({})
      await db.collection<{ _id: string; name: string }>('suites').insertOne({ _id: 'gone', name: 'was deleted' })
    })
    await expect(copy(to, cut('files'))).rejects.toThrow('cut off')
    await copy(to)
    const server = await nodeOn(to)
    onTestFinished(() => server.stop())
    const after = await seen(server)
    for (const path of ['/v1/users', '/v1/keys', '/v1/suites', '/v1/runs']) {
      expect(after.get(path)).toEqual(before.get(path))
    }
  })

  it('knows every table of SQLite: what is not copied is named here', async () => {
    const { READINGS } = await import('../../server/store/copy/tables.ts')
    const db = new DatabaseSync(join(dataDir, 'verdict.db'), { readOnly: true })
    onTestFinished(() => db.close())
    const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
    const read = new Set([...Object.keys(READINGS), ...WITHIN])
    expect(tables.map(({ name }) => name).filter((name) => !read.has(String(name)))).toEqual([])
  })

  describe('refuses', () => {
    it('a database that holds another installation, and changes nothing there', async () => {
      const to = mongo.database()
      await (await nodeOn(to)).stop()
      const count = () => collectionsOf(to, (db) => db.collection('users').countDocuments())
      const users = await count()
      if (users === 0) {
        await collectionsOf(to, (db) => db.collection<{ _id: string }>('users').insertOne({ _id: 'usr_other' }))
      }
      await expect(copy(to)).rejects.toThrow(/holds another installation of Verdict. Name another database/)
      expect(await count()).toBe(Math.max(users, 1))
    })

    it('a database that holds only files of another installation, and leaves them there', async () => {
      const to = mongo.database()
      await (await openMongoStore({ url: to })).store.close()
      const filename = sha256(Buffer.from('theirs'))
      await collectionsOf(to, (db) => db.collection('blobs.files').insertOne({ filename }))
      await expect(copy(to)).rejects.toThrow(/holds another installation of Verdict/)
      expect(await collectionsOf(to, (db) => db.collection('blobs.files').countDocuments({ filename }))).toBe(1)
    })

    it('a database that was copied to before', async () => {
      const to = mongo.database()
      await copy(to)
      await expect(copy(to)).rejects.toThrow(/holds a finished copy/)
    })

    it('a database of another program', async () => {
      const to = mongo.database()
      await collectionsOf(to, (db) => db.collection('orders').insertOne({ a: 1 }))
      await expect(copy(to)).rejects.toThrow(/another program \(orders\).*VERDICT_COPY_TO/)
    })

    it('another secret key', async () => {
      const env = { VERDICT_SECRET_KEY: Buffer.alloc(32, 9).toString('base64') }
      await expect(copy(mongo.database(), nothing, env)).rejects.toThrow(
        /is not the key that this data was written with/,
      )
    })

    it('a source that a server works with', async () => {
      const env = { VERDICT_RUNNER: 'none', VERDICT_PUBLIC_URL: URL_OF_BOTH }
      const folder = temporaryFolder('verdict-copy-')
      const source = await startServer({ dataDir: folder, env })
      onTestFinished(() => source.stop())
      const copying = copy(mongo.database(), nothing, { VERDICT_DATA_DIR: folder })
      await expect(copying).rejects.toThrow(/in use by another Verdict server/)
    })

    it.each([
      ['no target', {}, [], /^verdict: VERDICT_COPY_TO must be the address of a MongoDB/],
      ['a target of SQLite', { VERDICT_COPY_TO: 'sqlite:' }, [], /^verdict: VERDICT_COPY_TO must be the address/],
      [
        'a target that does not answer',
        { VERDICT_COPY_TO: 'mongodb://u:hunter2@127.0.0.1:1/x?serverSelectionTimeoutMS=100' },
        [],
        /^verdict: MongoDB at 127.0.0.1:1 cannot be used: .*Check VERDICT_COPY_TO/,
      ],
      [
        'an address as an argument',
        {},
        ['mongodb://u:hunter2@h/x'],
        /named by VERDICT_COPY_TO, never on the command line/,
      ],
      [
        'a folder without a database',
        { VERDICT_COPY_TO: 'mongodb://h', VERDICT_DATA_DIR: '/nowhere' },
        [],
        /There is no database/,
      ],
    ])('%s, in one line without the password', async (_what, env: Record<string, string>, args: string[], says) => {
      const command = startServerProcess(settings(env), ['copy-store', ...args])
      expect(await command.exited()).toEqual({ code: 1, signal: null })
      expect(command.out.stderr).toMatch(says)
      expect(command.out.stderr).toMatch(/^verdict: .*\n$/)
      expect(command.out.stderr).not.toContain('hunter2')
      expect(command.out.stdout).toBe('')
    })
  })

  it('as a command prints the steps of the cut-over, and no password or key', async () => {
    const command = startServerProcess(settings({ VERDICT_COPY_TO: mongo.database() }), ['copy-store'])
    expect(await command.exited(), command.out.stderr).toEqual({ code: 0, signal: null })
    expect(command.out.stdout).toMatch(/^Copied to database \S+: \d+ documents in \d+ collections and 2 files/)
    expect(command.out.stdout).toMatch(/2\. Set VERDICT_DATABASE_URL to the value of VERDICT_COPY_TO/)
    expect(command.out.stderr).not.toMatch(/warning/)
    expect(command.out.stdout + command.out.stderr).not.toContain(secret())
  })
})
