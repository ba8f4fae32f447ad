import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { handWorker } from './hand-worker.ts'
import { newPerson, ownKey } from './people.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000' } })
})
afterAll(() => server?.stop())

const put = (externalId: string, json: object = {}) =>
  server.request('PUT', `/v1/users/by-external-id/${encodeURIComponent(externalId)}`, { json })

describe('a person of the operator’s own system', () => {
  it('is made once, however often a sign-up hook comes, and changed by what it sends', async () => {
    const first = await put('auth0|1', {
      email: 'ada@example.com',
      name: 'Ada',
      metadata: { plan: 'free' },
      limits: { maxKeys: 5 },
    })
    const again = await put('auth0|1', { name: 'Ada L.', metadata: { plan: 'pro' }, limits: { runsPerDay: 9 } })
    expect([first.status, again.status]).toEqual([201, 200])
    expect(first.json.limits.maxKeys).toBe(5)
    expect(again.json).toMatchObject({
      id: first.json.id,
      externalId: 'auth0|1',
      email: 'ada@example.com',
      name: 'Ada L.',
      metadata: { plan: 'pro' },
      limits: { maxKeys: 5, runsPerDay: 9, runningAtOnce: null },
    })
    expect((await server.request('GET', `/v1/users/${first.json.id}`)).json).toEqual(again.json)
  })

  it('is one, also for ten hooks at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => put('race', { name: 'R' })))
    expect(answers.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(1)
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1)
  })

  it.each([
    ['an email of somebody else', { email: 'ADA@example.com' }, 409, 'conflict'],
    ['an unknown field', { admin: true }, 400, 'invalid_request'],
    ['an external id in the body', { externalId: 'x' }, 400, 'invalid_request'],
    ['metadata that is no text', { metadata: { a: 1 } }, 400, 'invalid_request'],
  ])('is not changed by %s', async (_what, json, status, code) => {
    await put('auth0|1', { email: 'ada@example.com' })
    const answer = await put('auth0|2', json)
    expect([answer.status, answer.json.code]).toEqual([status, code])
  })

  it('may have an id with any signs, as long as it is no longer than 255', async () => {
    for (const id of ['a/b?c#d', 'é 漢', '%']) expect((await put(id)).json.externalId).toBe(id)
    expect((await put('x'.repeat(256))).status).toBe(400)
  })
})

describe('disabling a user', () => {
  it('stops keys, tokens, held answers and runs within a second, and enabling brings back keys', async () => {
    const person = await newPerson(server)
    const definition = { run: 'true' }
    const started = await server.request('POST', '/v1/runs', { token: person.token, json: { suite: 's', definition } })
    const queued = await server.request('POST', '/v1/runs', { token: person.token, json: { suite: 's', definition } })
    await handWorker(server).claim(started.json.id)
    const held = server.request('GET', `/v1/runs/${queued.json.id}`, {
      token: person.token,
      headers: { prefer: 'wait=30' },
    })
    const before = performance.now()
    expect(
      (await server.request('PATCH', `/v1/users/${person.user}`, { json: { disabled: true } })).json.disabled,
    ).toBe(true)
    expect((await held).status).toBe(401)
    expect((await server.request('GET', '/v1/me', { token: person.token })).status).toBe(401)
    const exchange = await server.exchange(exchangeForm(person.key))
    expect([exchange.status, exchange.json.error_description]).toEqual([400, expect.stringContaining('was disabled')])
    expect(performance.now() - before).toBeLessThan(1000)
    expect((await server.request('POST', `/v1/users/${person.user}/keys`, { json: { name: 'x' } })).status).toBe(409)

    await server.request('PATCH', `/v1/users/${person.user}`, { json: { disabled: false } })
    const token = await server.token(undefined, person.key)
    expect((await server.request('GET', `/v1/runs/${queued.json.id}`, { token })).json.state).toBe('cancelled')
  })

  it('in mid-exchange lets no token through', async () => {
    const person = await newPerson(server)
    const exchanges = Array.from({ length: 50 }, () => server.exchange(exchangeForm(person.key)))
    await server.request('PATCH', `/v1/users/${person.user}`, { json: { disabled: true } })
    for (const { json } of await Promise.all(exchanges)) {
      if (json.access_token === undefined) continue
      expect((await server.request('GET', '/v1/me', { token: json.access_token })).status).toBe(401)
    }
  })

  it('is not for oneself, nor for an admin without being one', async () => {
    const me = (await server.request('GET', '/v1/me')).json.user.id
    expect((await server.request('PATCH', `/v1/users/${me}`, { json: { disabled: true } })).status).toBe(409)
    expect((await server.request('DELETE', `/v1/users/${me}`)).status).toBe(409)
  })
})

describe('deleting a user', () => {
  it('ends everything of theirs, and leaves their external id and email to others', async () => {
    const made = (await put('leaver', { email: 'leaver@example.com' })).json
    const key = (
      await server.request('POST', `/v1/users/${made.id}/keys`, {
        json: { name: 'x', scopes: ['keys:read', 'runs:read'] },
      })
    ).json
    const token = await server.token(undefined, key.key)
    expect((await server.request('DELETE', `/v1/users/${made.id}`)).status).toBe(204)
    expect((await server.request('GET', '/v1/me', { token })).status).toBe(401)
    expect((await server.exchange(exchangeForm(key.key))).status).toBe(400)
    expect((await server.request('GET', `/v1/users/${made.id}`)).status).toBe(404)
    expect((await server.request('DELETE', `/v1/users/${made.id}`)).status).toBe(404)
    const listed = await server.request('GET', '/v1/users?limit=200')
    expect(listed.json.items.map(({ id }: { id: string }) => id)).not.toContain(made.id)
    const again = await put('leaver', { email: 'leaver@example.com' })
    expect(again.status).toBe(201)
    expect(again.json.id).not.toBe(made.id)
  })
})

describe('keys on behalf', () => {
  it('are changed, revoked one by one or all at once', async () => {
    const person = await newPerson(server)
    const path = `/v1/users/${person.user}/keys`
    const one = await ownKey(server, person, { scopes: ['runs:read'] })
    const two = await ownKey(server, person, { scopes: ['runs:read'] })
    const patched = await server.request('PATCH', `${path}/${one.id}`, {
      json: { name: 'renamed', limits: { perDay: 5 } },
    })
    expect(patched.json).toMatchObject({ name: 'renamed', limits: { perMinute: null, perDay: 5 } })
    expect((await server.request('DELETE', `${path}/${one.id}`)).status).toBe(204)
    expect((await server.request('GET', '/v1/me', { token: one.token })).status).toBe(401)
    expect((await server.request('GET', '/v1/me', { token: two.token })).status).toBe(200)
    expect((await server.request('DELETE', path)).status).toBe(204)
    for (const token of [two.token, person.token]) {
      expect((await server.request('GET', '/v1/me', { token })).status).toBe(401)
    }
  })

  it('never get the rights of the server by a change', async () => {
    const person = await newPerson(server)
    for (const scope of ['admin', 'users:write', 'members:write']) {
      const answer = await server.request('PATCH', `/v1/users/${person.user}/keys/${person.keyId}`, {
        json: { scopes: [scope] },
      })
      expect([answer.status, answer.json.code]).toEqual([403, 'exceeds_caller'])
    }
  })

  it('of one user are not reached by another’s address', async () => {
    const [one, two] = [await newPerson(server), await newPerson(server)]
    for (const [method, json] of [
      ['PATCH', { name: 'x' }],
      ['DELETE', undefined],
    ] as const) {
      const answer = await server.request(method, `/v1/users/${one.user}/keys/${two.keyId}`, json ? { json } : {})
      expect(answer.status).toBe(404)
    }
  })
})

describe('usage', () => {
  it('is told by user and day, to users:write of all, to others of themselves', async () => {
    const person = await newPerson(server, { scopes: ['keys:read', 'runs:write', 'runs:read'] })
    const today = new Date().toISOString().slice(0, 10)
    await server.request('POST', '/v1/runs', { token: person.token, json: { suite: 's', definition: { run: 'true' } } })
    const own = await server.request('GET', '/v1/usage', { token: person.token })
    expect(own.json.items).toEqual([
      { day: today, user: person.user, externalId: null, exchanges: 1, calls: 2, runs: 1, runSeconds: 0 },
    ])
    const ofAll = await server.request('GET', `/v1/usage?user=${person.user}&since=${today}`)
    expect(ofAll.json.items).toMatchObject([{ user: person.user, runs: 1 }])
    const ofKey = await server.request('GET', `/v1/usage?key=${person.keyId}`, { token: person.token })
    expect(ofKey.json.items).toMatchObject([{ user: person.user, calls: 3 }])
    expect((await server.request('GET', `/v1/usage?until=${today}`)).json.items).toEqual([])
    const foreign = await server.request('GET', `/v1/usage?user=${(await newPerson(server)).user}`, {
      token: person.token,
    })
    expect(foreign.json.items).toMatchObject([{ user: person.user }])
  })

  it('goes on from page to page', async () => {
    const seen: string[] = []
    let cursor = ''
    do {
      const { json } = await server.request('GET', `/v1/usage?limit=2${cursor}`)
      seen.push(...json.items.map(({ user }: { user: string }) => user))
      cursor = json.next === null ? '' : `&cursor=${json.next}`
    } while (cursor !== '')
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.length).toBeGreaterThan(3)
    expect((await server.request('GET', '/v1/usage?cursor=x')).json.code).toBe('invalid_cursor')
  })
})
