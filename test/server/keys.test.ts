import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isWellFormedApiKey } from '../../contract/api-key.ts'
import { MovableClock } from '../support/clock.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const DAY_MS = 86_400_000
const clock = new MovableClock(Date.now())
let server: TestServer
let person: Person
beforeAll(async () => {
  server = await startServer({ clock, env: { VERDICT_RUNNER: 'none', VERDICT_KEYS_PER_USER: '40' } })
})
afterAll(() => server?.stop())
beforeAll(async () => {
  person = await newPerson(server)
})
const inDays = (days: number) => new Date(clock.now() + days * DAY_MS).toISOString()
const create = (json: object, token = person.token, headers = {}) =>
  server.request('POST', '/v1/keys', { token, json, headers })

describe('a new key', () => {
  it('is shown once, and never again', async () => {
    const made = await create({ name: 'laptop', description: 'the grey one' })
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    const { key, ...rest } = made.json
    expect(isWellFormedApiKey(key)).toBe(true)
    expect(rest).toMatchObject({
      name: 'laptop',
      description: 'the grey one',
      user: person.user,
      workspace: person.workspace,
      suites: null,
      start: key.slice(0, 8),
      end: key.slice(-4),
      expiresAt: inDays(90),
      revokedAt: null,
      lastUsedAt: null,
    })
    expect([...rest.scopes].sort()).toEqual(['runs:read', 'runs:write', 'suites:read'])
    for (const path of [`/v1/keys/${rest.id}`, '/v1/keys']) {
      const shown = await server.request('GET', path, { token: person.token })
      expect(shown.status).toBe(200)
      expect(shown.text).not.toContain(key)
    }
  })

  it('gets as much of the default scopes as its maker has', async () => {
    const maker = await ownKey(server, person, { scopes: ['keys:write', 'runs:read'] })
    const made = await create({ name: 'small' }, maker.token)
    expect(made.json.scopes).toEqual(['runs:read'])
  })

  it('says when it was used last, to the minute', async () => {
    const made = await ownKey(server, person, {})
    await expect
      .poll(async () => (await server.request('GET', `/v1/keys/${made.id}`, { token: person.token })).json.lastUsedAt)
      .toBe(new Date(clock.now()).toISOString())
  })

  it.each([
    ['without a name', {}, 'invalid_request', 400],
    ['with an unknown field', { name: 'x', colour: 'red' }, 'invalid_request', 400],
    ['with a name that is too long', { name: 'x'.repeat(101) }, 'invalid_request', 400],
    ['with scopes as text', { name: 'x', scopes: 'runs:read' }, 'invalid_request', 400],
    ['with a scope that there is not', { name: 'x', scopes: ['runs:fly'] }, 'invalid_request', 400],
    ['with the scope of workers', { name: 'x', scopes: ['work'] }, 'invalid_request', 400],
    ['with no suites', { name: 'x', suites: [] }, 'invalid_request', 400],
    ['with an end that is no time', { name: 'x', expiresAt: 'soon' }, 'invalid_request', 400],
    ['with an end in the past', { name: 'x', expiresAt: '2020-01-01T00:00:00Z' }, 'invalid_request', 400],
    ['that lives longer than is allowed', { name: 'x', expiresAt: '2099-01-01T00:00:00Z' }, 'invalid_request', 400],
    ['that lives for ever where it may not', { name: 'x', expiresAt: null }, 'invalid_request', 400],
    ['with an audience that is not configured', { name: 'x', audiences: ['a'] }, 'invalid_request', 400],
    ['with a limit of nothing', { name: 'x', limits: { perDay: 0 } }, 'invalid_request', 400],
    ['for a workspace that is not its own', { name: 'x', workspace: 'wsp_x' }, 'not_found', 404],
  ])('is refused %s', async (_what, json, code, status) => {
    const answer = await create(json)
    expect([answer.status, answer.json.code]).toEqual([status, code])
  })

  it('lives for ever only when it is asked for, the operator lets it, and its maker does', async () => {
    const lenient = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_KEY_MAX_DAYS: '0' } })
    const asked = async (json: object, key = lenient.key) =>
      lenient.request('POST', '/v1/keys', { token: await lenient.token(undefined, key), json: { name: 'x', ...json } })
    expect((await asked({ expiresAt: null })).json.expiresAt).toBeNull()
    const usual = (await asked({ scopes: ['keys:write'] })).json
    expect((Date.parse(usual.expiresAt) - Date.parse(usual.createdAt)) / 86_400_000).toBeCloseTo(90)
    const longer = await asked({ scopes: ['keys:write'], expiresAt: null }, usual.key)
    expect([longer.status, longer.json.code]).toEqual([403, 'exceeds_caller'])
    await lenient.stop()
  })

  it('is refused when the user has as many as is allowed; ended ones do not count', async () => {
    const many = await newPerson(server)
    const made: string[] = []
    for (let i = 1; i < 40; i++) made.push((await create({ name: `k${i}` }, many.token)).json.id)
    const refused = await create({ name: 'one more' }, many.token)
    expect([refused.status, refused.json.code]).toEqual([422, 'too_many_keys'])
    expect(refused.json.detail).toContain('40 active keys')
    await server.request('DELETE', `/v1/keys/${made[0]}`, { token: many.token })
    expect((await create({ name: 'one more' }, many.token)).status).toBe(201)
  })
})

describe('no key is stronger than its maker', () => {
  it.each<[string, object, object, RegExp]>([
    ['a scope', { scopes: ['keys:write', 'runs:read'] }, { scopes: ['runs:write'] }, /runs:write/],
    ['a server scope', { scopes: ['keys:write', 'runs:read'] }, { scopes: ['admin'] }, /admin/],
    ['a suite', { scopes: ['keys:write'], suites: ['smoke'] }, { suites: ['smoke', 'other'] }, /other/],
    ['a longer life', { scopes: ['keys:write'], expiresAt: 10 }, { expiresAt: 11 }, /ends at/],
  ])('so it cannot give %s that it has not', async (_what, maker, fields, says) => {
    const dated = (given: { expiresAt?: number }) =>
      given.expiresAt === undefined ? given : { ...given, expiresAt: inDays(given.expiresAt) }
    const { token } = await ownKey(server, person, dated(maker))
    const answer = await create({ name: 'stronger', ...dated(fields) }, token)
    expect([answer.status, answer.json.code]).toEqual([403, 'exceeds_caller'])
    expect(answer.json.detail).toMatch(says)
  })

  it('so its limits are handed on where nothing else is asked for', async () => {
    const maker = await ownKey(server, person, { scopes: ['keys:write'], suites: ['smoke'], expiresAt: inDays(3) })
    const made = await create({ name: 'child' }, maker.token)
    expect(made.json).toMatchObject({ suites: ['smoke'], expiresAt: inDays(3), scopes: [] })
  })

  it('so a narrowed token gives no more than it says itself', async () => {
    const token = await server.token('keys:write', person.key)
    const answer = await create({ name: 'x', scopes: ['runs:read'] }, token)
    expect(answer.json.code).toBe('exceeds_caller')
  })

  it.each<[string, object, object]>([
    ['scopes', { scopes: ['runs:read', 'runs:write'] }, { scopes: ['runs:write'] }],
    ['scopes that it has already', { scopes: ['runs:read', 'runs:write'] }, { name: 'renamed' }],
    ['all suites', {}, { suites: null }],
    ['another suite', { suites: ['smoke'] }, { suites: ['other'] }],
    ['a longer life', {}, { expiresAt: 20 }],
    ['a life that is longer already', { expiresAt: 20 }, { name: 'renamed' }],
  ])('so it cannot change another key by %s', async (_what, target, patch) => {
    const dated = (given: { expiresAt?: number }) =>
      given.expiresAt === undefined ? given : { ...given, expiresAt: inDays(given.expiresAt) }
    const strong = await ownKey(server, person, {
      scopes: ['runs:read'],
      suites: ['smoke'],
      expiresAt: inDays(5),
      ...dated(target),
    })
    const weak = await ownKey(server, person, {
      scopes: ['keys:write', 'runs:read'],
      suites: ['smoke'],
      expiresAt: inDays(10),
    })
    const answer = await server.request('PATCH', `/v1/keys/${strong.id}`, { token: weak.token, json: dated(patch) })
    expect([answer.status, answer.json.code]).toEqual([403, 'exceeds_caller'])
    const after = await server.request('GET', `/v1/keys/${strong.id}`, { token: person.token })
    expect(after.json.name).toBe('other')
  })
})

describe('a key', () => {
  it('is renamed, narrowed and shortened', async () => {
    const { id } = await ownKey(server, person, { scopes: ['runs:read', 'runs:write'] })
    const json = { name: 'new', description: 'd', scopes: ['runs:read'], suites: ['smoke'], expiresAt: inDays(1) }
    const answer = await server.request('PATCH', `/v1/keys/${id}`, { token: person.token, json })
    expect(answer.json).toMatchObject(json)
    const bad = await server.request('PATCH', `/v1/keys/${id}`, { token: person.token, json: { key: 'x' } })
    expect([bad.status, bad.json.code]).toEqual([400, 'invalid_request'])
  })

  it('ends its tokens with it when its life is cut short', async () => {
    const { id, token } = await ownKey(server, person, {})
    const expiresAt = new Date(clock.now() + 1000).toISOString()
    await server.request('PATCH', `/v1/keys/${id}`, { token: person.token, json: { expiresAt } })
    expect((await server.request('GET', '/v1/me', { token })).status).toBe(200)
    clock.advance(1000)
    const answer = await server.request('GET', '/v1/me', { token })
    expect([answer.status, answer.json.detail]).toEqual([401, expect.stringContaining('its key expired')])
  })

  it('is revoked at once, and stays so', async () => {
    const { id, token, key } = await ownKey(server, person, {})
    for (let i = 0; i < 2; i++) {
      expect((await server.request('DELETE', `/v1/keys/${id}`, { token: person.token })).status).toBe(204)
    }
    expect((await server.request('GET', '/v1/me', { token })).status).toBe(401)
    expect((await server.exchange(exchangeForm(key))).status).toBe(400)
    const shown = await server.request('GET', `/v1/keys/${id}`, { token: person.token })
    expect(shown.json.revokedAt).toBe(new Date(clock.now()).toISOString())
  })
})

describe('a repeated request for a key', () => {
  const once = (key: string, json: object = { name: 'once' }, token?: string) =>
    create(json, token, { 'idempotency-key': key })

  it('gets the same key again', async () => {
    const first = await once('a')
    const again = await once('a')
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(again.headers.get('cache-control')).toBe('no-store')
    expect(again.json).toEqual(first.json)
  })

  it('is refused with another meaning', async () => {
    await once('b')
    const other = await once('b', { name: 'another' })
    expect([other.status, other.json.code]).toEqual([422, 'idempotency_key_reused'])
  })

  it('is not answered to another key with the first one’s secret', async () => {
    const first = await once('c')
    const other = await ownKey(server, person, { scopes: ['keys:write', 'runs:read', 'runs:write', 'suites:read'] })
    const answer = await once('c', { name: 'once' }, other.token)
    expect(answer.status).toBe(201)
    expect(answer.json.key).not.toBe(first.json.key)
  })

  it('does not show the key any more once it was used', async () => {
    const first = await once('d')
    await server.token(undefined, first.json.key)
    await expect.poll(async () => (await once('d')).status).toBe(409)
    expect((await once('d')).text).not.toContain(first.json.key)
  })

  it('does not show the key any more after 10 minutes, and makes no second one for a day', async () => {
    const first = await once('e')
    const madeAt = new Date(clock.now()).toISOString()
    const later = async (ms: number) => {
      clock.advance(ms)
      person = { ...person, token: await server.token(undefined, person.key) }
      return once('e')
    }
    const refused = await later(10 * 60_000)
    expect([refused.status, refused.json.code]).toEqual([409, 'conflict'])
    expect(refused.json.detail).toContain(`${first.json.id} was made by this request at ${madeAt}`)
    expect(refused.json.detail).toMatch(/Rotate it, or make another with a new Idempotency-Key/)
    expect((await once('e', { name: 'another' })).json.code).toBe('idempotency_key_reused')
    expect((await later(23 * 3600_000)).status).toBe(409)
    const { items } = (await server.request('GET', '/v1/keys?limit=200', { token: person.token })).json
    expect(items.filter(({ createdAt }: { createdAt: string }) => createdAt > madeAt)).toEqual([])
    expect((await later(3600_000)).status).toBe(201)
  })

  it('that failed may be repeated', async () => {
    expect((await once('f', { name: 'x', scopes: ['admin'] })).status).toBe(403)
    expect((await once('f', { name: 'x', scopes: ['admin'] })).status).toBe(403)
  })

  it.each(['', 'two words', 'x'.repeat(256), 'ümlaut'])('is refused under the Idempotency-Key "%s"', async (key) => {
    const send = () => once(key)
    if (key === '') expect((await send()).status).toBe(400)
    else {
      const answer = await send()
      expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    }
  })
})
