import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { verifyCallback } from '../../client/index.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startReceiver } from './delivery-world.ts'
import { handWorker } from './hand-worker.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const SCOPES = [
  'runs:read',
  'runs:write',
  'suites:read',
  'suites:write',
  'callbacks:read',
  'callbacks:write',
  'keys:write',
]
const WORKED = { total: 1, passed: 1, failed: 0, skipped: 0, errored: 0, flaky: 0 }
let server: TestServer
let person: Person
beforeAll(async () => {
  const env = { VERDICT_RUNNER: 'none', VERDICT_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8', VERDICT_RATE_CALLS: '100000' }
  server = await startServer({ env })
})
afterAll(() => server?.stop())
beforeEach(async () => {
  person = await newPerson(server, { scopes: SCOPES })
})

const call = (method: string, path: string, json?: object, token = person.token) =>
  server.request(method, path, { token, ...(json === undefined ? {} : { json }) })
const create = (json: object, token?: string) => call('POST', '/v1/callbacks', json, token)
const HOOK = 'https://example.com/hook'

async function finishedRun(fields: object = {}, token = person.token) {
  const json = { suite: 'smoke', definition: { run: 'true' }, ...fields }
  const run = await server.request('POST', '/v1/runs', { token, json })
  expect(run.status, run.text).toBe(202)
  const worker = handWorker(server)
  const job = await worker.claim(run.json.id)
  await worker.finish(job, { results: WORKED, reason: null })
  return run.json
}

describe('a new callback', () => {
  it('shows its secret once, and is active', async () => {
    const made = await create({ url: HOOK, description: 'chat' })
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    const { secret, ...callback } = made.json
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(callback).toMatchObject({
      ...{ kind: 'standard', url: HOOK, repository: null, suites: null, branches: null, description: 'chat' },
      events: ['run.finished', 'suite.state_changed', 'key.expiring', 'key.revoked_by_holder', 'callback.disabled'],
      ...{ state: 'active', failingSince: null, disabledAt: null },
    })
    for (const path of [`/v1/callbacks/${callback.id}`, '/v1/callbacks']) {
      expect((await call('GET', path)).text).not.toContain(secret)
    }
    expect((await call('GET', `/v1/callbacks/${callback.id}`)).json).toEqual(callback)
  })

  it('keeps its secret encrypted on the disk', async () => {
    const { secret } = (await create({ url: HOOK })).json
    const token = 'ghp_correct-horse-battery-staple'
    await create({ kind: 'github', repository: 'acme/shop', token })
    const files = readdirSync(server.dataDir).filter((name) => name.startsWith('verdict.db'))
    expect(files.length).toBeGreaterThan(0)
    for (const name of files) {
      const content = readFileSync(join(server.dataDir, name))
      for (const text of [secret.slice(6), token]) expect(content.includes(text)).toBe(false)
    }
  })

  it('is the same one again for the same Idempotency-Key', async () => {
    const send = () =>
      server.request('POST', '/v1/callbacks', {
        token: person.token,
        json: { url: HOOK },
        headers: { 'idempotency-key': 'a' },
      })
    const [first, again] = [await send(), await send()]
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.json).toEqual(first.json)
  })

  it.each<[string, object, number, string, RegExp]>([
    ['no address', {}, 400, 'invalid_request', /url: is needed/],
    ['what is no URL', { url: 'example.com' }, 422, 'url_not_allowed', /no URL/],
    ['another scheme', { url: 'ftp://example.com/' }, 422, 'url_not_allowed', /https/],
    ['credentials', { url: 'https://u:hunter2@example.com/' }, 422, 'url_not_allowed', /user name/],
    ['a fragment', { url: `${HOOK}#x` }, 422, 'url_not_allowed', /fragment/],
    ['a private host', { url: 'https://10.0.0.1/' }, 422, 'url_not_allowed', /private/],
    ['a look-alike of one', { url: 'https://①⓪.0.0.1/' }, 422, 'url_not_allowed', /private/],
    ['metadata', { url: 'http://169.254.169.254/' }, 422, 'url_not_allowed', /private/],
    ['an unknown event', { url: HOOK, events: ['run.finish'] }, 400, 'invalid_request', /did you mean .*run\.finished/],
    ['no event', { url: HOOK, events: [] }, 400, 'invalid_request', /events/],
    ['no suite', { url: HOOK, suites: [] }, 400, 'invalid_request', /suites/],
    [
      'filters that match nothing',
      { url: HOOK, events: ['key.expiring'], suites: ['a'] },
      400,
      'invalid_request',
      /nothing/,
    ],
    ['another kind', { kind: 'slack', url: HOOK }, 400, 'invalid_request', /kind/],
    ['an unknown field', { url: HOOK, colour: 'red' }, 400, 'invalid_request', /colour/],
    ['a field of another kind', { url: HOOK, repository: 'a/b' }, 400, 'invalid_request', /repository: does not go/],
    ['a status without a token', { kind: 'github', repository: 'a/b' }, 400, 'invalid_request', /token: is needed/],
    [
      'a repository that is none',
      { kind: 'github', repository: 'a/b/c', token: 't' },
      400,
      'invalid_request',
      /owner\/name/,
    ],
    ['a way up', { kind: 'github', repository: 'a/..', token: 't' }, 400, 'invalid_request', /owner\/name/],
    ['a project that is none', { kind: 'gitlab', project: 'a?b', token: 't' }, 400, 'invalid_request', /group\/name/],
    ['a token of two lines', { kind: 'gitlab', project: 'a/b', token: 'a\r\nb' }, 400, 'invalid_request', /token/],
    [
      'a private API',
      { kind: 'gitlab', project: '1', token: 't', apiUrl: 'https://10.0.0.1/api' },
      422,
      'url_not_allowed',
      /private/,
    ],
    [
      'events of no status',
      { kind: 'github', repository: 'a/b', token: 't', events: ['key.expiring'] },
      400,
      'invalid_request',
      /status/,
    ],
  ])('is refused with %s', async (_what, json, status, code, says) => {
    const answer = await create(json)
    expect([answer.status, answer.json.code]).toEqual([status, code])
    expect(answer.text).toMatch(says)
    expect(answer.text).not.toContain('hunter2')
  })

  it('is refused when the workspace has a hundred', async () => {
    for (let n = 0; n < 100; n++) expect((await create({ url: HOOK })).status).toBe(201)
    const answer = await create({ url: HOOK })
    expect([answer.status, answer.json.code]).toEqual([422, 'too_many_callbacks'])
  })
})

describe('a callback', () => {
  it('is changed, disabled, taken into use again and deleted', async () => {
    const { id } = (await create({ url: HOOK, suites: ['a'] })).json
    const json = {
      url: 'https://example.com/new',
      suites: null,
      branches: ['main'],
      events: ['run.queued'],
      description: null,
    }
    expect((await call('PATCH', `/v1/callbacks/${id}`, json)).json).toMatchObject(json)
    const disabled = (await call('PATCH', `/v1/callbacks/${id}`, { disabled: true })).json
    expect(disabled).toMatchObject({ state: 'disabled', disabledReason: expect.any(String), url: json.url })
    expect((await call('POST', `/v1/callbacks/${id}/test`)).json.code).toBe('conflict')
    expect((await call('PATCH', `/v1/callbacks/${id}`, { disabled: false })).json).toMatchObject({ state: 'active' })
    expect((await call('DELETE', `/v1/callbacks/${id}`)).status).toBe(204)
    expect((await call('DELETE', `/v1/callbacks/${id}`)).status).toBe(404)
    expect((await call('GET', `/v1/callbacks/${id}`)).status).toBe(404)
  })

  it('of another workspace is not there', async () => {
    const { id } = (await create({ url: HOOK })).json
    const other = await newPerson(server, { scopes: SCOPES })
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/rotate-secret'],
      ['POST', '/test'],
    ] as const) {
      const answer = await call(method, `/v1/callbacks/${id}${path}`, method === 'PATCH' ? {} : undefined, other.token)
      expect([method, answer.status]).toEqual([method, 404])
    }
    expect((await call('GET', '/v1/callbacks', undefined, other.token)).json.items).toEqual([])
  })

  it('shows only the host of its address without the scope to change it', async () => {
    const { id } = (await create({ url: `${HOOK}?token=secret` })).json
    const reader = await server.token('callbacks:read', person.key)
    const shown = await call('GET', `/v1/callbacks/${id}`, undefined, reader)
    expect(shown.json.url).toBe('https://example.com/…')
    expect((await call('DELETE', `/v1/callbacks/${id}`, undefined, reader)).status).toBe(403)
  })

  it('of a key that is limited to some suites is told of these only', async () => {
    const limited = await ownKey(server, person, { scopes: ['callbacks:read', 'callbacks:write'], suites: ['a', 'b'] })
    const other = (await create({ url: HOOK, suites: ['a', 'c'] })).json
    expect((await create({ url: HOOK }, limited.token)).json.suites).toEqual(['a', 'b'])
    expect((await create({ url: HOOK, suites: ['*'] }, limited.token)).json.code).toBe('suite_not_allowed')
    expect((await call('GET', `/v1/callbacks/${other.id}`, undefined, limited.token)).status).toBe(404)
    expect((await call('GET', '/v1/callbacks', undefined, limited.token)).json.items).toHaveLength(1)
    expect((await call('POST', '/v1/callback-secret/rotate', {}, limited.token)).status).toBe(403)
  })
})

describe('a secret', () => {
  it('is rotated with a day of both, or at once', async () => {
    const receiver = await startReceiver()
    const { id, secret: old } = (await create({ url: receiver.url })).json
    const rotated = await call('POST', `/v1/callbacks/${id}/rotate-secret`)
    const { secret: fresh, oldSecretUntil } = rotated.json
    expect(rotated.headers.get('cache-control')).toBe('no-store')
    expect(Date.parse(oldSecretUntil) - Date.now()).toBeGreaterThan(23 * 3600_000)
    await call('POST', `/v1/callbacks/${id}/test`)
    await expect.poll(() => receiver.received.length).toBe(1)
    const [both] = receiver.received
    for (const secret of [old, fresh]) await verifyCallback(both!.body, both!.headers, secret)
    const leaked = await call('POST', `/v1/callbacks/${id}/rotate-secret`, { overlapSeconds: 0 })
    expect(leaked.json.oldSecretUntil).toBeNull()
    await call('POST', `/v1/callbacks/${id}/test`)
    await expect.poll(() => receiver.received.length).toBe(2)
    const last = receiver.received[1]!
    await verifyCallback(last.body, last.headers, leaked.json.secret)
    for (const secret of [old, fresh]) {
      await expect(verifyCallback(last.body, last.headers, secret)).rejects.toMatchObject({ code: 'no_match' })
    }
  })

  it.each([-1, 604_801, 1.5, '1'])('is not rotated with an overlap of %j', async (overlapSeconds) => {
    const { id } = (await create({ url: HOOK })).json
    const answer = await call('POST', `/v1/callbacks/${id}/rotate-secret`, { overlapSeconds })
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
  })

  it('of a status is its token, which is changed and not rotated', async () => {
    const made = await create({ kind: 'github', repository: 'acme/shop', token: 'one' })
    expect(made.json).toMatchObject({ secret: null, repository: 'acme/shop', apiUrl: 'https://api.github.com' })
    const { id } = made.json
    expect((await call('POST', `/v1/callbacks/${id}/rotate-secret`)).status).toBe(409)
    expect((await call('POST', `/v1/callbacks/${id}/test`)).status).toBe(409)
    const changed = await call('PATCH', `/v1/callbacks/${id}`, { token: 'two' })
    expect([changed.status, changed.text.includes('two')]).toEqual([200, false])
    expect((await call('PATCH', `/v1/callbacks/${id}`, { url: HOOK })).status).toBe(400)
  })
})

describe('a delivery', () => {
  it('is seen with its attempts, and sent again under the same id', async () => {
    const receiver = await startReceiver()
    const { id, secret } = (await create({ url: receiver.url, events: ['run.finished'] })).json
    const run = await finishedRun({ ci: { branch: 'main' } })
    await expect.poll(async () => (await call('GET', '/v1/deliveries')).json.items[0]?.state).toBe('delivered')
    const [delivery] = (await call('GET', `/v1/deliveries?callback=${id}&state=delivered`)).json.items
    expect(delivery).toMatchObject({
      ...{ type: 'run.finished', callback: id, run: run.id, suite: 'smoke', url: receiver.url, attempts: 1 },
      ...{ nextAttemptAt: null, lastStatus: 200, lastError: null },
    })
    const detail = (await call('GET', `/v1/deliveries/${delivery.id}`)).json
    const [sent] = receiver.received
    expect(detail.payload).toBe(sent!.body)
    expect(detail.tries).toEqual([
      { number: 1, at: expect.any(String), durationMs: expect.any(Number), status: 200, error: null, answer: null },
    ])
    expect(await verifyCallback(sent!.body, sent!.headers, secret)).toMatchObject({
      data: { id: run.id, state: 'passed' },
    })

    expect((await call('POST', `/v1/deliveries/${delivery.id}/redeliver`)).status).toBe(202)
    await expect.poll(() => receiver.received.length).toBe(2)
    expect(receiver.received[1]!.headers['webhook-id']).toBe(sent!.headers['webhook-id'])
    expect(receiver.received[1]!.headers['webhook-id']).toBe(delivery.event)
    await expect.poll(async () => (await call('GET', `/v1/deliveries/${delivery.id}`)).json.attempts).toBe(2)

    const reader = await server.token('callbacks:read', person.key)
    const seen = await call('GET', `/v1/deliveries/${delivery.id}`, undefined, reader)
    expect(seen.json.url).toBe(`${new URL(receiver.url).origin}/…`)
    const other = await newPerson(server, { scopes: SCOPES })
    expect((await call('GET', `/v1/deliveries/${delivery.id}`, undefined, other.token)).status).toBe(404)
    expect((await call('POST', `/v1/deliveries/${delivery.id}/redeliver`, undefined, reader)).status).toBe(403)

    await call('DELETE', `/v1/callbacks/${id}`)
    const gone = await call('POST', `/v1/deliveries/${delivery.id}/redeliver`)
    expect([gone.status, gone.json.code]).toEqual([409, 'conflict'])
    expect(gone.json.detail).toContain('deleted')
  })

  it('that fails says why and when it is tried again', async () => {
    const receiver = await startReceiver(() => 503)
    const { id } = (await create({ url: receiver.url })).json
    await call('POST', `/v1/callbacks/${id}/test`)
    await expect.poll(async () => (await call('GET', '/v1/deliveries')).json.items[0]?.attempts).toBe(1)
    const [failed] = (await call('GET', '/v1/deliveries?state=pending')).json.items
    expect(failed).toMatchObject({ type: 'test.ping', lastStatus: 503, lastError: 'It answered 503.', run: null })
    expect(Date.parse(failed.nextAttemptAt)).toBeGreaterThan(Date.now())
    expect((await call('GET', `/v1/callbacks/${id}`)).json.state).toBe('failing')
  })
})

describe('the callbackUrl of a run', () => {
  it("is told its end, signed with the workspace's secret", async () => {
    const receiver = await startReceiver()
    const { secret, oldSecretUntil } = (await call('POST', '/v1/callback-secret/rotate', {})).json
    expect(oldSecretUntil).toBeNull()
    const run = await finishedRun({ callbackUrl: receiver.url })
    await expect.poll(() => receiver.received.length).toBe(1)
    const [sent] = receiver.received
    const event = await verifyCallback(sent!.body, sent!.headers, secret)
    expect(event).toMatchObject({ type: 'run.finished', data: { id: run.id } })
    const [delivery] = (await call('GET', '/v1/deliveries')).json.items
    expect(delivery).toMatchObject({ callback: null, run: run.id, url: receiver.url })
  })

  it.each(['https://10.0.0.1/', 'http://8.8.8.8/', 'nonsense'])('is refused when it is %s', async (callbackUrl) => {
    const json = { suite: 'smoke', definition: { run: 'true' }, callbackUrl }
    const answer = await call('POST', '/v1/runs', json)
    expect([answer.status, answer.json.code]).toEqual([422, 'url_not_allowed'])
  })
})
