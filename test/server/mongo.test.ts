import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { makeApiKey } from '../../contract/api-key.ts'
import { type Clock, systemClock } from '../../server/clock.ts'
import { temporaryFolder } from '../support/folder.ts'
import { skippedWithoutOwnMongo, startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { handWorker } from './hand-worker.ts'

const why = whyNoMongo()
const skipped = skippedWithoutOwnMongo()
const SECRET = Buffer.alloc(32, 7).toString('base64')

const KEY = makeApiKey((bytes) => Buffer.alloc(bytes, 7))
const keyFile = join(temporaryFolder('verdict-key-'), 'key')
writeFileSync(keyFile, KEY)

const nodeOn = (
  database: string,
  key: string,
  env: Record<string, string> = {},
  clock: Clock = systemClock,
): Promise<TestServer> =>
  startServer({
    clock,
    env: {
      ...{ VERDICT_DATABASE_URL: database, VERDICT_SECRET_KEY: key, VERDICT_ROLES: 'api', VERDICT_RUNNER: 'none' },
      // With MongoDB no key is made and shown: the operator gives the first one.
      VERDICT_BOOTSTRAP_KEY_FILE: keyFile,
      // Both are the same server to the outside.
      ...{ VERDICT_PUBLIC_URL: 'http://verdict.example:4000', ...env },
    },
  })

describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo?.stop())

  describe('two nodes on one MongoDB', () => {
    let a: TestServer
    let b: TestServer
    beforeAll(async () => {
      const database = mongo.database()
      a = await nodeOn(database, SECRET)
      b = await nodeOn(database, SECRET)
    })
    afterAll(async () => {
      await b?.stop()
      await a?.stop()
    })

    it('take each other for one server: a token of one is good at the other', async () => {
      const token = await a.token(undefined, KEY)
      expect(b.key).toBe('')
      expect((await b.request('GET', '/v1/me', { token })).json.user).toMatchObject({ name: 'admin' })
    })

    it('answer a waiter at one when the run ends at the other, with archive, log and cases seen by both', async () => {
      const token = await a.token(undefined, KEY)
      const worker = handWorker(a)
      await worker.present()
      const made = await a.request('POST', '/v1/runs', { token, json: { suite: 'smoke', definition: { run: 'x' } } })
      const { id } = made.json
      const job = await worker.claim(id)
      await worker.work.log(job.lease, 1, 'from the worker of a\n')
      const waiting = b.request('GET', `/v1/runs/${id}`, { token, headers: { prefer: 'wait=30' } })
      await new Promise((resolve) => setTimeout(resolve, 300))
      const start = performance.now()
      await worker.pass(job)
      const answer = await waiting
      expect(answer.json).toMatchObject({ state: 'passed', results: { total: 1, passed: 1 } })
      // By the change stream; a poll alone would take up to half a second, the waiter's own look several.
      expect(performance.now() - start).toBeLessThan(3000)
      expect((await b.request('GET', `/v1/runs/${id}/log`, { token })).text).toBe('from the worker of a\n')
      expect((await b.request('GET', `/v1/runs/${id}/cases`, { token })).json.items).toMatchObject([{ name: 'works' }])
    })

    it('replay the answer of one at the other when a request is repeated', async () => {
      const token = await a.token(undefined, KEY)
      const json = { suite: 'smoke', definition: { run: 'x' } }
      const headers = { 'idempotency-key': 'k-1' }
      const first = await a.request('POST', '/v1/runs', { token, json, headers })
      const again = await b.request('POST', '/v1/runs', { token, json, headers })
      expect(again.json.id).toBe(first.json.id)
      expect(again.headers.get('idempotent-replayed')).toBe('true')
    })
  })

  describe('two nodes whose clocks are ten minutes apart', () => {
    const shifted = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms })
    let ahead: TestServer
    let behind: TestServer
    beforeAll(async () => {
      const database = mongo.database()
      const ttl = { VERDICT_TOKEN_TTL_SECONDS: '60' }
      ahead = await nodeOn(database, SECRET, ttl, shifted(300_000))
      behind = await nodeOn(database, SECRET, ttl, shifted(-300_000))
    })
    afterAll(async () => {
      await behind?.stop()
      await ahead?.stop()
    })

    it('take tokens of a minute of each other, which say when the store made them', async () => {
      for (const [from, to] of [
        [ahead, behind],
        [behind, ahead],
      ] as const) {
        const token = await from.token(undefined, KEY)
        const { iat = 0, exp = 0 } = decodeJwt(token)
        expect(Math.abs(iat - Date.now() / 1000)).toBeLessThan(30)
        expect(exp - iat).toBe(60)
        expect((await to.request('GET', '/v1/me', { token })).status).toBe(200)
        const body = await to.request('POST', '/oauth/introspect', {
          ...{ token, body: new URLSearchParams({ token }) },
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        })
        expect(body.json).toMatchObject({ active: true, iat, exp })
      }
    })

    it('take a key of three minutes at both for as long as it is meant to live', async () => {
      const token = await behind.token(undefined, KEY)
      const expiresAt = new Date(Date.now() + 180_000).toISOString()
      const made = await behind.request('POST', '/v1/keys', { token, json: { name: 'short', expiresAt } })
      expect(made.status, made.text).toBe(201)
      for (const node of [ahead, behind]) expect((await node.exchange(exchangeForm(made.json.key))).status).toBe(200)
      const over = new Date(Date.now() - 60_000).toISOString()
      const refused = await behind.request('POST', '/v1/keys', { token, json: { name: 'over', expiresAt: over } })
      expect(refused.status, refused.text).toBeGreaterThanOrEqual(400)
    })
  })

  it('a node with another secret key than the one that the store was written with does not start', async () => {
    const database = mongo.database()
    await (await nodeOn(database, SECRET)).stop()
    const other = Buffer.alloc(32, 8).toString('base64')
    await expect(nodeOn(database, other)).rejects.toThrow(
      /VERDICT_SECRET_KEY is not the key that this data was written/,
    )
  })

  it('a node without a secret key does not start', async () => {
    await expect(nodeOn(mongo.database(), '')).rejects.toThrow(/needs VERDICT_SECRET_KEY/)
  })

  it.skipIf(skipped !== '')(`a node on a MongoDB that is no replica set starts, and warns${skipped}`, async () => {
    const standalone = await startMongo({ standalone: true })
    onTestFinished(() => standalone.stop())
    const node = await nodeOn(standalone.database(), SECRET)
    onTestFinished(() => node.stop())
    const warnings = () => node.logged.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
    await expect
      .poll(() => warnings().map(({ msg }) => msg))
      .toEqual([
        expect.stringMatching(/^MongoDB is no replica set: .* One member is enough/),
        'MongoDB is no replica set: changes are polled for',
      ])
    const token = await node.token(undefined, KEY)
    expect((await node.request('GET', '/v1/me', { token })).status).toBe(200)
  })

  it.skipIf(skipped !== '')(
    `a node whose store is away says so, answers 503 with Retry-After, and goes on when it is back${skipped}`,
    async () => {
      const own = await startMongo({ durable: true })
      onTestFinished(() => own.stop())
      const node = await nodeOn(`${own.database()}&serverSelectionTimeoutMS=1000`, SECRET)
      onTestFinished(() => node.stop())
      const token = await node.token(undefined, KEY)
      await own.kill()
      const ready = await fetch(`${node.url}/readyz`)
      expect(ready.status).toBe(503)
      expect(await ready.text()).toMatch(/store/)
      const refused = await node.request('GET', '/v1/runs', { token, once: true })
      expect(refused.status).toBe(503)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      await own.restart()
      const isReady = async () => (await fetch(`${node.url}/readyz`)).status
      await expect.poll(isReady, { timeout: 20_000, interval: 200 }).toBe(200)
      // Its look at revocations comes back a moment later.
      const list = async () => (await node.request('GET', '/v1/runs', { token, once: true })).status
      await expect.poll(list, { timeout: 20_000, interval: 200 }).toBe(200)
    },
  )
})
