import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const API = 'https://api.example'
const clock = new MovableClock(Date.now())
let server: TestServer
let person: Person
beforeAll(async () => {
  server = await startServer({
    clock,
    env: {
      VERDICT_RUNNER: 'none',
      VERDICT_TRUST_PROXY: '127.0.0.1/32',
      VERDICT_AUDIENCES: JSON.stringify({ [API]: ['orders:read', 'orders:write'], 'https://other.example': [] }),
    },
  })
  person = await newPerson(server)
})
afterAll(() => server?.stop())
const from = (address: string) => ({ 'x-forwarded-for': address })
const create = (json: object, token = person.token) =>
  server.request('POST', '/v1/keys', { token, json: { name: 'x', ...json } })
const me = (token: string, address: string) => server.request('GET', '/v1/me', { token, headers: from(address) })

describe('what a key starts', () => {
  const triggeredBy = async (token: string) => {
    const json = { suite: 'smoke', definition: { run: 'true' } }
    return (await server.request('POST', '/v1/runs', { token, json })).json.triggeredBy
  }

  it('bears its name, and the new one once it is renamed, with a token of before', async () => {
    const { id, token } = await ownKey(server, person, { name: 'nightly', scopes: ['runs:write'] })
    expect(decodeJwt(token).key_name).toBe('nightly')
    expect(await triggeredBy(token)).toMatchObject({ kind: 'key', id, name: 'nightly' })
    await server.request('PATCH', `/v1/keys/${id}`, { token: person.token, json: { name: 'hourly' } })
    expect(await triggeredBy(token)).toMatchObject({ id, name: 'hourly' })
  })

  it('is counted against its user’s limit of a day, which its token carries only where there is one', async () => {
    const limited = await newPerson(server)
    expect(decodeJwt(limited.token)).not.toHaveProperty('runs_per_day')
    await server.request('PATCH', `/v1/users/${limited.user}`, { json: { limits: { runsPerDay: 1 } } })
    const token = await server.token(undefined, limited.key)
    expect(decodeJwt(token).runs_per_day).toBe(1)
    const about = await server.request('POST', '/oauth/introspect', {
      body: new URLSearchParams({ token }),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(about.json).toMatchObject({ active: true, sub: limited.user })
    for (const name of ['key_name', 'runs_per_day']) expect(about.json).not.toHaveProperty(name)
    expect(await triggeredBy(token)).toMatchObject({ name: 'ci' })
    expect(await triggeredBy(token)).toBeUndefined()
  })
})

describe('a key for some addresses only', () => {
  let key: string
  let id: string
  beforeAll(async () => {
    const made = (
      await create({ scopes: ['keys:write', 'runs:read'], allowedIps: ['203.0.113.0/24', '2001:db8::/32'] })
    ).json
    key = made.key
    id = made.id
  })
  const tokenFrom = async (address: string) =>
    (await server.exchange(exchangeForm(key), from(address))).json.access_token

  it.each(['203.0.113.7', '2001:db8::1', '::ffff:203.0.113.7'])(
    'is taken from %s, and its token too',
    async (address) => {
      const answer = await server.exchange(exchangeForm(key), from(address))
      expect(answer.status).toBe(200)
      expect((await me(answer.json.access_token, address)).status).toBe(200)
    },
  )

  it.each(['203.0.114.7', '2001:db9::1', '::ffff:10.0.0.1'])(
    'is refused from %s, and its token too',
    async (address) => {
      const refused = await server.exchange(exchangeForm(key), from(address))
      expect([refused.status, refused.json.error]).toEqual([400, 'invalid_request'])
      expect(refused.json.error_description).toContain('may not be used from')
      expect(refused.text).not.toContain('203.0.113.0')
      const called = await me(await tokenFrom('203.0.113.7'), address)
      expect([called.status, called.json.code]).toEqual([403, 'address_refused'])
    },
  )

  it('is judged by the connection’s own address where the proxy is not a trusted one', async () => {
    const plain = await startServer({ env: { VERDICT_RUNNER: 'none' } })
    const made = await plain.request('POST', '/v1/keys', { json: { name: 'x', allowedIps: ['203.0.113.7'] } })
    const answer = await plain.exchange(exchangeForm(made.json.key), from('203.0.113.7'))
    expect(answer.status).toBe(400)
    await plain.stop()
  })

  it('passes its bounds on, and widens none', async () => {
    const token = await tokenFrom('203.0.113.7')
    const child = await server.request('POST', '/v1/keys', {
      token,
      headers: from('203.0.113.7'),
      json: { name: 'child' },
    })
    expect(child.json.allowedIps).toEqual(['203.0.113.0/24', '2001:db8::/32'])
    for (const allowedIps of [['0.0.0.0/0'], ['203.0.112.0/23'], ['198.51.100.1']]) {
      const answer = await server.request('POST', '/v1/keys', {
        token,
        headers: from('203.0.113.7'),
        json: { name: 'x', allowedIps },
      })
      expect([answer.status, answer.json.code]).toEqual([403, 'exceeds_caller'])
    }
    const narrower = { name: 'x', allowedIps: ['203.0.113.8/29'] }
    expect(
      (await server.request('POST', '/v1/keys', { token, headers: from('203.0.113.7'), json: narrower })).status,
    ).toBe(201)
  })

  it('ends tokens that are out where its addresses are changed', async () => {
    const token = await tokenFrom('203.0.113.7')
    const change = (allowedIps: string[] | null) =>
      server.request('PATCH', `/v1/keys/${id}`, { token: person.token, json: { allowedIps } })
    await change(['198.51.100.0/24'])
    expect((await me(token, '203.0.113.7')).status).toBe(403)
    expect((await me(token, '198.51.100.1')).status).toBe(200)
    await change(null)
    expect((await me(token, '192.0.2.1')).status).toBe(200)
  })

  it('keeps each address once, and none that lies in another', async () => {
    const allowedIps = ['10.0.0.1', '10.0.0.0/8', '10.0.0.0/8', '10.1.0.0/16', '2001:DB8:0::1']
    expect((await create({ allowedIps })).json.allowedIps).toEqual(['10.0.0.0/8', '2001:db8::1/128'])
  })

  it.each([
    [[]],
    [['']],
    [['example.com']],
    [['10.0.0.0/33']],
    [['10.0.0.1/8']],
    [['::ffff:10.0.0.1']],
    [['fe80::1%eth0']],
    [['10.0.0.1:80']],
    [['10.1']],
    [['1'.repeat(101)]],
    ['10.0.0.1'],
    [Array.from({ length: 101 }, (_, i) => `10.0.0.${i}`)],
  ])('is refused with %j', async (allowedIps) => {
    const answer = await create({ allowedIps })
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
  })

  it('notes the last address it was used from', async () => {
    const made = (await create({})).json
    await server.exchange(exchangeForm(made.key), from('198.51.100.9'))
    const shown = () => server.request('GET', `/v1/keys/${made.id}`, { token: person.token })
    await expect.poll(async () => (await shown()).json.lastUsedFrom).toBe('198.51.100.9')
  })
})

describe('a key with limits of its own', () => {
  it('makes so many calls a minute, told with every answer', async () => {
    const { token } = await ownKey(server, person, { limits: { perMinute: 2 } })
    const [first, second, third] = [await me(token, '1.1.1.1'), await me(token, '1.1.1.1'), await me(token, '1.1.1.1')]
    expect(first.headers.get('ratelimit-policy')).toBe('"calls";q=2;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"calls";r=1;t=\d+$/)
    expect(second.status).toBe(200)
    expect([third.status, third.json.code]).toEqual([429, 'rate_limited'])
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('makes so many calls a day (UTC), and again the next day', async () => {
    const { token, key } = await ownKey(server, person, { limits: { perDay: 2 } })
    const first = await me(token, '1.1.1.1')
    expect(first.headers.get('ratelimit-policy')).toBe('"calls";q=3000;w=60, "day";q=2;w=86400')
    expect(first.headers.get('ratelimit')).toMatch(/^"calls";r=2999;t=\d+, "day";r=1;t=\d+$/)
    // What was counted is kept in between: it makes no difference.
    await server.request('GET', '/v1/usage')
    expect((await me(token, '1.1.1.1')).status).toBe(200)
    const refused = await me(token, '1.1.1.1')
    expect([refused.status, refused.json.code]).toEqual([429, 'rate_limited'])
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeLessThanOrEqual(86_400)
    clock.advance(wait * 1000)
    expect((await me(await server.token(undefined, key), '1.1.1.1')).status).toBe(200)
    person = { ...person, token: await server.token(undefined, person.key) }
  })

  it('gives no key more than itself', async () => {
    const maker = await ownKey(server, person, { scopes: ['keys:write'], limits: { perMinute: 100 } })
    expect((await create({}, maker.token)).json.limits).toEqual({ perMinute: 100, perDay: null })
    expect((await create({ limits: { perMinute: 50, perDay: 5 } }, maker.token)).status).toBe(201)
    for (const limits of [{ perMinute: 101 }, { perMinute: null }]) {
      expect((await create({ limits }, maker.token)).json.code).toBe('exceeds_caller')
    }
  })
})

describe('a key for other audiences', () => {
  let key: string
  let user: string
  let made: { id: string }
  beforeAll(async () => {
    const json = { name: 'Eve', externalId: 'auth0|eve', metadata: { plan: 'pro' } }
    user = (await server.request('POST', '/v1/users', { json })).json.id
    made = (await server.request('POST', `/v1/users/${user}/keys`, { json: { name: 'x', audiences: [API] } })).json
    key = (made as unknown as { key: string }).key
  })

  it('gives tokens that a service of the operator’s verifies by JWKS, with whose they are', async () => {
    const answer = await server.exchange(exchangeForm(key, { audience: API }))
    expect([answer.status, answer.json.scope]).toEqual([200, 'orders:read orders:write'])
    const keys = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(answer.json.access_token, keys, {
      ...{ issuer: server.url, audience: API, typ: 'at+jwt', currentDate: new Date(clock.now()) },
    })
    expect(payload).toMatchObject({
      sub: user,
      client_id: made.id,
      external_id: 'auth0|eve',
      metadata: { plan: 'pro' },
    })
    for (const name of ['allowed_ips', 'key_name']) expect(payload).not.toHaveProperty(name)
  })

  it('narrows their scopes, and gives none that the audience has not', async () => {
    const narrowed = await server.exchange(exchangeForm(key, { audience: API, scope: 'orders:read' }))
    expect(decodeJwt(narrowed.json.access_token).scope).toBe('orders:read')
    for (const scope of ['runs:read', 'admin']) {
      expect((await server.exchange(exchangeForm(key, { audience: API, scope }))).json.error).toBe('invalid_scope')
    }
  })

  it('opens nothing here with them', async () => {
    const token = (await server.exchange(exchangeForm(key, { audience: API }))).json.access_token
    expect((await server.request('GET', '/v1/me', { token })).status).toBe(401)
  })

  it.each(['https://other.example', 'https://unknown.example', 'constructor', '__proto__'])(
    'is refused %s, which it has not',
    async (audience) => {
      const answer = await server.exchange(exchangeForm(key, { audience }))
      expect([answer.status, answer.json.error]).toEqual([400, 'invalid_target'])
    },
  )

  it('is made by nobody who has not the audience', async () => {
    expect((await create({ audiences: [API] })).json.code).toBe('exceeds_caller')
    const maker = (
      await server.request('POST', `/v1/users/${person.user}/keys`, {
        json: { name: 'x', scopes: ['keys:write'], audiences: [API] },
      })
    ).json
    const token = await server.token(undefined, maker.key)
    expect((await create({ audiences: [API] }, token)).json.audiences).toEqual([API])
    expect((await create({ audiences: ['https://other.example'] }, token)).json.code).toBe('exceeds_caller')
  })
})
