import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Worker } from '../../contract/workers.ts'
import { type HttpWorker, httpWorker, workOver } from '../support/http-worker.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, type Person } from './people.ts'

const FACTS = { labels: ['linux'], runner: 'sandbox' }
const HELLO = { protocol: 1, version: '0.1.0', ...FACTS }
const NEVER = new AbortController().signal

let server: TestServer
let person: Person
const opened: HttpWorker[] = []

beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_ROLES: 'api' } })
  person = await newPerson(server, { scopes: ['runs:read', 'runs:write', 'suites:read', 'workers:write'] })
})
afterAll(async () => {
  for (const one of opened) one.close()
  await server?.stop()
})

async function worker(fields: object = {}, token?: string): Promise<HttpWorker> {
  const made = await httpWorker(server, fields, token)
  opened.push(made)
  return made
}
const own = (fields: object = {}) => worker(fields, person.token)
const queue = async (token = person.token, definition: object = {}) =>
  (
    await server.request('POST', '/v1/runs', {
      token,
      json: { suite: 'smoke', definition: { run: 'true', ...definition } },
    })
  ).json.id as string
const listed = async (token = person.token) =>
  (await server.request<{ items: Worker[] }>('GET', '/v1/workers?limit=200', { token })).json.items
const remove = (id: string, token = person.token) => server.request('DELETE', `/v1/workers/${id}`, { token })
const cancelAll = async () => {
  for (const { id } of (await server.request('GET', '/v1/runs?state=queued', { token: person.token })).json.items)
    await server.request('POST', `/v1/runs/${id}/cancel`, { token: person.token })
}

describe('a worker is made', () => {
  it('with a key that is shown once', async () => {
    const json = { name: 'builder', labels: ['gpu'] }
    const { status, json: made, headers } = await server.request('POST', '/v1/workers', { token: person.token, json })
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(made).toMatchObject({ name: 'builder', labels: ['gpu'], workspace: person.workspace, shared: false })
    expect(made.key).toMatch(/^vdt_[0-9A-Za-z]{36}$/)
    const shown = (await listed()).find(({ id }) => id === made.id)
    expect(shown).toEqual({ ...made, key: undefined })
    expect(shown).not.toHaveProperty('key')
  })

  it('once of a repeated request, whose answer holds the key until its first use', async () => {
    const headers = { 'idempotency-key': 'worker-1' }
    const create = () =>
      server.request('POST', '/v1/workers', { token: person.token, json: { name: 'repeated' }, headers })
    const [first, second] = [await create(), await create()]
    expect([first.status, second.status, second.headers.get('idempotent-replayed')]).toEqual([201, 200, 'true'])
    expect(second.json).toEqual(first.json)
    await server.token(undefined, first.json.key)
    expect(await create()).toMatchObject({ status: 409, json: { code: 'conflict' } })
  })

  it.each<[string, object, string]>([
    ['no name', {}, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['a label that no suite can ask for', { name: 'x', labels: ['GPU'] }, 'labels'],
    ['a label twice', { name: 'x', labels: ['gpu', 'gpu'] }, 'labels'],
    ['an unknown field', { name: 'x', slots: 2 }, 'slots'],
  ])('not with %s', async (_what, json, field) => {
    const answer = await server.request('POST', '/v1/workers', { token: person.token, json })
    expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    expect(answer.json.detail).toContain(field)
  })

  it('not by a key without workers:write, nor shared by one without admin', async () => {
    const reader = await newPerson(server)
    const json = { name: 'x' }
    expect((await server.request('POST', '/v1/workers', { token: reader.token, json })).status).toBe(403)
    const shared = await server.request('POST', '/v1/workers', { token: person.token, json: { ...json, shared: true } })
    expect(shared).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } })
  })
})

describe("a worker's token", () => {
  it('is for its work alone, and of no workspace when it is shared', async () => {
    const { worker: mine } = await own()
    const { worker: shared } = await worker({ shared: true })
    expect(decodeJwt(await server.token(undefined, mine.key))).toMatchObject({
      sub: mine.id,
      client_id: mine.id,
      scope: 'work',
      workspace: person.workspace,
    })
    expect(decodeJwt(await server.token(undefined, shared.key))).not.toHaveProperty('workspace')
  })

  it.each([
    ['GET', '/v1/me'],
    ['GET', '/v1/runs'],
    ['GET', '/v1/keys'],
    ['GET', '/v1/workers'],
    ['POST', '/v1/runs'],
    ['GET', '/v1/workspaces'],
  ])('does not open %s %s', async (method, path) => {
    const { worker: mine } = await own()
    const token = await server.token(undefined, mine.key)
    expect((await server.request(method, path, { token })).status).toBe(403)
  })

  it('gives no other scope and no other audience', async () => {
    const { worker: mine } = await own()
    const scope = await server.exchange(exchangeForm(mine.key, { scope: 'runs:read' }))
    expect(scope).toMatchObject({ status: 400, json: { error: 'invalid_scope' } })
    const audience = await server.exchange(exchangeForm(mine.key, { audience: 'https://api.example' }))
    expect(audience).toMatchObject({ status: 400, json: { error: 'invalid_target' } })
  })

  it("is the only one that opens the worker's side", async () => {
    for (const token of [person.token, await server.token()])
      expect((await server.request('POST', '/v1/work/hello', { token, json: HELLO })).status).toBe(403)
  })

  it('is told of by introspection, and ended by showing it or its key', async () => {
    const { worker: mine, work } = await own()
    const admin = { authorization: `Bearer ${await server.token()}` }
    const about = async (token: string) =>
      (
        await fetch(`${server.url}/oauth/introspect`, {
          method: 'POST',
          body: new URLSearchParams({ token }),
          headers: admin,
        })
      ).json()
    const revoke = (token: string) =>
      fetch(`${server.url}/oauth/revoke`, { method: 'POST', body: new URLSearchParams({ token }) })
    const token = await server.token(undefined, mine.key)
    expect(await about(mine.key)).toMatchObject({ active: true, sub: mine.id, scope: 'work' })
    expect(await about(token)).toMatchObject({ active: true, sub: mine.id, scope: 'work' })
    expect((await revoke(token)).status).toBe(200)
    expect(await about(token)).toEqual({ active: false })
    expect(await work.hello(FACTS)).toMatchObject({ worker: { id: mine.id } })
    expect((await revoke(mine.key)).status).toBe(200)
    expect(await about(mine.key)).toEqual({ active: false })
    await expect(work.claim(FACTS, 0, NEVER)).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('a worker', () => {
  it('shows what it is and what it runs', async () => {
    const { worker: mine, work } = await own({ name: 'shown', labels: ['gpu'] })
    expect(await work.hello(FACTS)).toEqual({
      worker: { id: mine.id, name: 'shown', workspace: person.workspace },
      protocol: 1,
    })
    const run = await queue()
    const job = await work.claim(FACTS, 0, NEVER)
    const shown = (await listed()).find(({ id }) => id === mine.id)
    expect(shown).toMatchObject({
      labels: ['gpu', 'linux'],
      version: '0.0.0-test',
      runner: 'sandbox',
      running: [{ run, suite: 'smoke', attempt: 1 }],
    })
    expect(Math.abs(Date.parse(shown!.lastSeenAt!) - Date.now())).toBeLessThan(20_000)
    await work.finish(job!.lease, { results: null, reason: { code: 'command_failed', message: 'x' } })
  })

  it('has the labels that it was given and those that it says', async () => {
    const { work } = await own({ labels: ['gpu'] })
    const run = await queue(person.token, { runsOn: ['gpu', 'linux'] })
    expect((await work.claim({ ...FACTS, labels: [] }, 0, NEVER))?.lease.run).toBeUndefined()
    const job = await work.claim(FACTS, 0, NEVER)
    expect(job?.lease.run).toBe(run)
    await work.release(job!.lease)
    await cancelAll()
  })

  it('serves its own workspace only, unless it is shared', async () => {
    const other = await newPerson(server)
    const [mine, shared] = [await own(), await worker({ shared: true })]
    const run = await queue(other.token)
    expect(await mine.work.claim(FACTS, 0, NEVER)).toBeUndefined()
    const job = await shared.work.claim(FACTS, 0, NEVER)
    expect(job?.lease.run).toBe(run)
    await shared.work.release(job!.lease)
    await server.request('POST', `/v1/runs/${run}/cancel`, { token: other.token })
  })

  it('is told apart by the workspace whose it is', async () => {
    const { worker: mine } = await own()
    const { worker: shared } = await worker({ shared: true })
    const { worker: theirs } = await worker()
    const ids = (await listed()).map(({ id }) => id)
    expect(ids).toContain(mine.id)
    expect(ids).not.toContain(shared.id)
    expect(ids).not.toContain(theirs.id)
    expect((await listed(await server.token())).map(({ id }) => id)).toEqual(
      expect.arrayContaining([shared.id, theirs.id]),
    )
    for (const id of [shared.id, theirs.id, 'wrk_none']) expect((await remove(id)).status).toBe(404)
  })

  it.each([
    [0, /protocol 0, this server .* protocol 1: bring the worker to the version of the server/],
    [2, /protocol 2, this server .* protocol 1: bring the server to the version of the worker/],
  ])('of protocol %i is refused, with what to do', async (protocol, advice) => {
    const { worker: mine } = await own()
    const token = await server.token(undefined, mine.key)
    for (const verb of ['hello', 'claim']) {
      const json = { ...HELLO, protocol, waitMs: 0 }
      const answer = await server.request('POST', `/v1/work/${verb}`, { token, json })
      expect(answer).toMatchObject({ status: 409, json: { code: 'worker_protocol' } })
      expect(answer.json.detail).toMatch(advice)
    }
  })

  it('may be of any version, and say more than the server knows', async () => {
    const { worker: mine } = await own()
    const token = await server.token(undefined, mine.key)
    const json = { ...HELLO, version: '99.0.0', cores: 8 }
    expect((await server.request('POST', '/v1/work/hello', { token, json })).status).toBe(200)
  })

  it('that is shared must have a sandbox', async () => {
    const { work, refusals } = await worker({ shared: true })
    const bare = { labels: [], runner: 'process' }
    await expect(work.claim(bare, 0, NEVER)).rejects.toMatchObject({ code: 'unsandboxed' })
    await expect(work.hello(bare)).rejects.toMatchObject({ code: 'unsandboxed' })
    expect(refusals.map(({ verb }) => verb)).toEqual(['claim', 'hello'])
  })

  it.each<[string, object]>([
    ['a wait that is too long', { ...HELLO, waitMs: 30_001 }],
    ['no wait', HELLO],
    ['a label that is none', { ...HELLO, waitMs: 0, labels: ['a b'] }],
    ['no protocol', { ...FACTS, version: '1', waitMs: 0 }],
  ])('cannot claim with %s', async (_what, json) => {
    const { worker: mine } = await own()
    const token = await server.token(undefined, mine.key)
    expect((await server.request('POST', '/v1/work/claim', { token, json })).status).toBe(400)
  })

  it.each<[string, object]>([
    ['log', { seq: 0, text: 'x' }],
    ['log', { seq: 1, text: 'x'.repeat(300_001) }],
    ['cases', { seq: 1, cases: Array.from({ length: 501 }, () => ({})) }],
    ['cases', { seq: 1, cases: [{ name: 'x' }] }],
    ['finish', { results: null, reason: { code: 'nonsense', message: '' } }],
    ['heartbeat', { waitMs: -1 }],
  ])('is told what is wrong with its %s', async (verb, json) => {
    const { worker: mine } = await own()
    const token = await server.token(undefined, mine.key)
    const answer = await server.request('POST', `/v1/work/run_x/1/${verb}`, { token, json })
    expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
  })
})

describe('a worker that is removed', () => {
  it('is refused at once, at its held calls and at its next ones, and is listed no more', async () => {
    const { worker: mine, work, refusals } = await own({ name: 'gone' })
    const run = await queue()
    const job = await work.claim(FACTS, 0, NEVER)
    expect(job?.lease.run).toBe(run)
    const [claim, beat] = [work.claim(FACTS, 20_000, NEVER), work.heartbeat(job!.lease, 20_000, NEVER)]
    claim.catch(() => {})
    // Both are held by now: what comes after them on the same server was answered.
    await work.log(job!.lease, 1, 'x')
    const before = performance.now()
    expect((await remove(mine.id)).status).toBe(204)
    await expect(claim).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('was removed'),
    })
    expect(await beat).toEqual({ order: 'lost' })
    expect(performance.now() - before).toBeLessThan(1000)
    expect(await work.log(job!.lease, 2, 'x')).toBe('lost')
    expect(await work.finish(job!.lease, { results: null, reason: { code: 'internal', message: 'x' } })).toBe('lost')
    expect(refusals.map(({ verb }) => verb).sort()).toEqual(['claim', 'finish', 'heartbeat', 'log'])
    expect((await listed()).map(({ id }) => id)).not.toContain(mine.id)
    expect((await remove(mine.id)).status).toBe(404)
    await server.request('POST', `/v1/runs/${run}/cancel`, { token: person.token })
  })

  it('gets no token any more, and is told why', async () => {
    const { worker: mine } = await own({ name: 'gone' })
    await remove(mine.id)
    const { status, json } = await server.exchange(exchangeForm(mine.key))
    expect({ status, error: json.error }).toEqual({ status: 400, error: 'invalid_request' })
    expect(json.error_description).toMatch(/^The worker .gone. was removed at 20.*verdict workers create/)
  })

  it('is in the audit log with who did it, as is its making', async () => {
    const { worker: mine } = await own()
    await remove(mine.id)
    const { json } = await server.request('GET', '/v1/audit?limit=200')
    const about = json.items.filter(({ target }: { target: string }) => target === mine.id)
    expect(about.map(({ action, user }: { action: string; user: string }) => [action, user])).toEqual([
      ['worker.deleted', person.user],
      ['worker.created', person.user],
    ])
  })
})

it('is counted by no limit of calls', async () => {
  const narrow = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '3' } })
  const { work, close } = await httpWorker(narrow)
  for (let i = 0; i < 10; i++) expect(await work.claim(FACTS, 0, NEVER)).toBeUndefined()
  close()
  await narrow.stop()
})

it('a key that no worker has is refused like any other unknown key', async () => {
  const { makeApiKey } = await import('../../contract/api-key.ts')
  const key = makeApiKey((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
  const { work, refusals, close } = workOver(server.url, key)
  await expect(work.claim(FACTS, 0, NEVER)).rejects.toMatchObject({ code: 'invalid_request', during: 'exchange' })
  expect(refusals).toHaveLength(1)
  close()
})
