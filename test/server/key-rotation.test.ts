import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const DAY_MS = 86_400_000
const clock = new MovableClock(Date.now())
let server: TestServer
let person: Person
beforeAll(async () => {
  const env = { VERDICT_RUNNER: 'none', VERDICT_RATE_EXCHANGES: '100000', VERDICT_RATE_CALLS: '100000' }
  server = await startServer({ clock, env })
  person = await newPerson(server)
})
afterAll(() => server?.stop())

const fresh = async () => {
  person = { ...person, token: await server.token(undefined, person.key) }
}
const rotate = (id: string, json: object = {}, headers = {}, token = person.token) =>
  server.request('POST', `/v1/keys/${id}/rotate`, { token, json, headers })
const works = async (key: string) => (await server.exchange(exchangeForm(key))).status === 200
const shown = async (id: string) => (await server.request('GET', `/v1/keys/${id}`, { token: person.token })).json
const events = async (action: string) =>
  (await server.request('GET', `/v1/audit?action=${action}&limit=200`)).json.items as Record<string, unknown>[]

describe('a rotated key', () => {
  it('has one successor with an id of its own and all that it had itself', async () => {
    const limits = { perMinute: 100, perDay: 1000 }
    const fields = { name: 'ci', description: 'd', scopes: ['runs:read'], suites: ['smoke'], allowedIps: ['127.0.0.1'] }
    const old = await ownKey(server, person, {
      ...fields,
      limits,
      expiresAt: new Date(clock.now() + 30 * DAY_MS).toISOString(),
    })
    clock.advance(1000)
    const made = await rotate(old.id)
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    const { id, key, start, end, createdAt, expiresAt, replaces, ...rest } = made.json
    expect(key).toMatch(/^vdt_/)
    expect(replaces).toBe(old.id)
    expect(id).not.toBe(old.id)
    expect(rest).toMatchObject({ ...fields, limits, allowedIps: ['127.0.0.1/32'], lastUsedAt: null, replacedBy: null })
    expect([start, end]).toEqual([key.slice(0, 8), key.slice(-4)])
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(30 * DAY_MS)
    expect((await shown(old.id)).replacedBy).toBe(id)
  })

  it('goes on until its successor is first used, unless asked otherwise', async () => {
    const old = await ownKey(server, person, {})
    const made = (await rotate(old.id)).json
    clock.advance(3000)
    expect(await works(old.key)).toBe(true)
    expect((await server.request('GET', '/v1/me', { token: old.token })).status).toBe(200)
    expect(await works(made.key)).toBe(true)
    await expect.poll(() => works(old.key)).toBe(false)
    expect((await server.request('GET', '/v1/me', { token: old.token })).status).toBe(401)
    expect(await works(made.key)).toBe(true)
    expect(await events('key.ended_by_rotation')).toContainEqual(
      expect.objectContaining({ target: old.id, credential: made.id }),
    )
  })

  it('ends at once with a grace of 0, and its tokens with it', async () => {
    const old = await ownKey(server, person, {})
    const made = (await rotate(old.id, { graceSeconds: 0 })).json
    expect(await works(old.key)).toBe(false)
    expect((await server.request('GET', '/v1/me', { token: old.token })).status).toBe(401)
    expect(await works(made.key)).toBe(true)
  })

  it('goes on for as long as was asked, however its successor is used', async () => {
    const old = await ownKey(server, person, {})
    const made = (await rotate(old.id, { graceSeconds: 60 })).json
    expect(await works(made.key)).toBe(true)
    clock.advance(59_999)
    expect(await works(old.key)).toBe(true)
    clock.advance(1)
    expect(await works(old.key)).toBe(false)
  })

  it('ends by whichever comes first when both are asked for', async () => {
    const [one, two] = [await ownKey(server, person, {}), await ownKey(server, person, {})]
    const json = { graceSeconds: 60, untilFirstUse: true }
    const [first] = [(await rotate(one.id, json)).json, await rotate(two.id, json)]
    expect(await works(first.key)).toBe(true)
    await expect.poll(() => works(one.key)).toBe(false)
    expect(await works(two.key)).toBe(true)
    clock.advance(60_000)
    expect(await works(two.key)).toBe(false)
  })

  it('never goes on past its own end', async () => {
    const expiresAt = new Date(clock.now() + 10_000).toISOString()
    const old = await ownKey(server, person, { expiresAt })
    await rotate(old.id, { graceSeconds: 604_800 })
    expect((await shown(old.id)).expiresAt).toBe(expiresAt)
    clock.advance(10_000)
    expect(await works(old.key)).toBe(false)
    const patched = await server.request('PATCH', `/v1/keys/${old.id}`, {
      token: person.token,
      json: { expiresAt: new Date(clock.now() + DAY_MS).toISOString() },
    })
    expect([patched.status, patched.json.code]).toEqual([409, 'conflict'])
  })

  it('that is used after its grace is told of, with its successor, and takes nothing down', async () => {
    const old = await ownKey(server, person, { name: 'forgotten' })
    const made = (await rotate(old.id, { graceSeconds: 0 })).json
    const answer = await server.exchange(exchangeForm(old.key))
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
    expect(answer.json.error_description).toContain("'forgotten' expired at")
    expect(answer.json.error_description).toContain(`replaced by the key ${made.id}`)
    expect(await events('key.used_after_rotation')).toContainEqual(
      expect.objectContaining({
        credential: old.id,
        target: made.id,
        outcome: 'refused',
        detail: expect.objectContaining({ successor: made.id }),
      }),
    )
    expect(await works(made.key)).toBe(true)
  })

  it('may have no second successor, but its successor may', async () => {
    const old = await ownKey(server, person, {})
    const made = (await rotate(old.id, { graceSeconds: 60 })).json
    const again = await rotate(old.id)
    expect([again.status, again.json.code]).toEqual([409, 'conflict'])
    expect(again.json.detail).toContain(made.id)
    expect((await rotate(made.id)).status).toBe(201)
  })

  it('that has ended is not replaced', async () => {
    const [revoked, expired] = [
      await ownKey(server, person, {}),
      await ownKey(server, person, { expiresAt: new Date(clock.now() + 1000).toISOString() }),
    ]
    await server.request('DELETE', `/v1/keys/${revoked.id}`, { token: person.token })
    clock.advance(1000)
    for (const { id } of [revoked, expired]) {
      const answer = await rotate(id)
      expect([answer.status, answer.json.code]).toEqual([409, 'conflict'])
    }
  })

  it.each([
    [{ graceSeconds: -1 }],
    [{ graceSeconds: 604_801 }],
    [{ graceSeconds: 1.5 }],
    [{ graceSeconds: '60' }],
    [{ untilFirstUse: 'yes' }],
    [{ expiresAt: null }],
  ])('is not replaced by a request with %j', async (json) => {
    const { id } = await ownKey(server, person, {})
    const answer = await rotate(id, json)
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
  })
})

describe('rotations at once', () => {
  it('under one Idempotency-Key give one key to everybody, who ask again while it is made', async () => {
    const old = await ownKey(server, person, {})
    const headers = { 'idempotency-key': 'one' }
    const answers = await Promise.all(Array.from({ length: 100 }, () => rotate(old.id, {}, headers)))
    const statuses = new Set(answers.map(({ status }) => status))
    expect([...statuses].every((status) => [200, 201, 409].includes(status))).toBe(true)
    const again = await rotate(old.id, {}, headers)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    const keys = [...answers, again].flatMap(({ json }) => (json.key === undefined ? [] : [json.key]))
    expect(new Set(keys).size).toBe(1)
  })

  it('without one give one key to one of them', async () => {
    const old = await ownKey(server, person, {})
    const answers = await Promise.all(Array.from({ length: 20 }, () => rotate(old.id)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19)
  })

  it('are answered again for 10 minutes, and not once the new key was used', async () => {
    const [one, two] = [await ownKey(server, person, {}), await ownKey(server, person, {})]
    const [first] = [(await rotate(one.id, {}, { 'idempotency-key': 'r1' })).json]
    await rotate(two.id, {}, { 'idempotency-key': 'r2' })
    await works(first.key)
    await expect.poll(async () => (await rotate(one.id, {}, { 'idempotency-key': 'r1' })).status).toBe(409)
    clock.advance(10 * 60_000)
    await fresh()
    const late = await rotate(two.id, {}, { 'idempotency-key': 'r2' })
    expect([late.status, late.json.code]).toEqual([409, 'conflict'])
  })
})

describe('a key is rotated by nobody who has less', () => {
  it.each<[string, object, object]>([
    ['scopes', { scopes: ['runs:read', 'suites:read'] }, { scopes: ['keys:write', 'runs:read'] }],
    ['suites', {}, { scopes: ['keys:write', 'runs:read', 'runs:write', 'suites:read'], suites: ['smoke'] }],
    ['addresses', { scopes: ['runs:read'] }, { scopes: ['keys:write', 'runs:read'], allowedIps: ['127.0.0.0/8'] }],
    ['calls', { scopes: ['runs:read'] }, { scopes: ['keys:write', 'runs:read'], limits: { perDay: 1000 } }],
  ])('%s', async (_what, target, maker) => {
    const strong = await ownKey(server, person, target)
    const weak = await ownKey(server, person, maker)
    const answer = await rotate(strong.id, {}, {}, weak.token)
    expect([answer.status, answer.json.code]).toEqual([403, 'exceeds_caller'])
  })

  it('and its successor lives no longer than who made it', async () => {
    const expiresAt = new Date(clock.now() + 5 * DAY_MS).toISOString()
    const brief = await ownKey(server, person, { scopes: ['keys:write', 'runs:read'], expiresAt })
    const { id } = await ownKey(server, person, { scopes: ['runs:read'] })
    expect((await rotate(id, {}, {}, brief.token)).json.expiresAt).toBe(expiresAt)
  })
})

describe('on a user’s behalf', () => {
  it('a key is rotated too, but never one with the rights of the server', async () => {
    const path = `/v1/users/${person.user}/keys`
    const old = (await server.request('POST', path, { json: { name: 'theirs' } })).json
    const made = await server.request('POST', `${path}/${old.id}/rotate`, { json: {} })
    expect([made.status, made.json.replaces, made.json.user]).toEqual([201, old.id, person.user])
    const me = (await server.request('GET', '/v1/me')).json
    const other = await newPerson(server)
    expect(other.user).not.toBe(me.user.id)
    const foreign = await server.request('POST', `/v1/users/${other.user}/keys/${old.id}/rotate`, { json: {} })
    expect(foreign.status).toBe(404)
  })
})

it('no exchange succeeds later than a second after a key was revoked, of a thousand on their way', async () => {
  const { key, id } = await ownKey(server, person, {})
  let revokedAt = Number.POSITIVE_INFINITY
  const late: number[] = []
  const answers = new Set<number>()
  const tokens: string[] = []
  const exchanges = Array.from({ length: 1000 }, async (_unused, at) => {
    await new Promise((resolve) => setTimeout(resolve, at / 4))
    const answer = await server.exchange(exchangeForm(key))
    const since = performance.now() - revokedAt
    if (answer.status === 200 && since > 1000) late.push(since)
    answers.add(answer.status)
    if (answer.status === 200) tokens.push(answer.json.access_token)
  })
  await new Promise((resolve) => setTimeout(resolve, 60))
  await server.request('DELETE', `/v1/keys/${id}`, { token: person.token })
  revokedAt = performance.now()
  await Promise.all(exchanges)
  expect(late).toEqual([])
  expect([...answers].sort()).toEqual([200, 400])
  expect(await works(key)).toBe(false)
  for (const token of tokens) expect((await server.request('GET', '/v1/runs', { token })).status).toBe(401)
})
