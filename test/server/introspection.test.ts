import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const clock = new MovableClock(Date.now())
let server: TestServer
let person: Person
beforeAll(async () => {
  const env = { VERDICT_RUNNER: 'none', VERDICT_AUDIENCES: '{"https://api.example":["orders:read"]}' }
  server = await startServer({ clock, env })
  person = await newPerson(server)
})
afterAll(() => server?.stop())

const introspect = (form: Record<string, string> | string, token?: string | null) =>
  server.request('POST', '/oauth/introspect', {
    ...(token === undefined ? {} : { token }),
    body: new URLSearchParams(form).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })

describe('introspection (RFC 7662)', () => {
  it('tells whose an API key is and what it may do', async () => {
    const json = { name: 'Eve', externalId: 'eve', metadata: { plan: 'pro' } }
    const user = (await server.request('POST', '/v1/users', { json })).json
    const key = (
      await server.request('POST', `/v1/users/${user.id}/keys`, { json: { name: 'x', scopes: ['runs:read'] } })
    ).json
    const answer = await introspect({ token: key.key })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.json).toEqual({
      active: true,
      token_type: 'api_key',
      iss: server.url,
      sub: user.id,
      client_id: key.id,
      workspace: user.workspace,
      scope: 'runs:read',
      iat: Math.floor(Date.parse(key.createdAt) / 1000),
      exp: Math.floor(Date.parse(key.expiresAt) / 1000),
      external_id: 'eve',
      metadata: { plan: 'pro' },
    })
  })

  it('tells the claims of an access token, also of one for another audience', async () => {
    const answer = await introspect({ token: person.token, token_type_hint: 'access_token' })
    expect(answer.json).toMatchObject({ active: true, token_type: 'Bearer', sub: person.user, client_id: person.keyId })
    const json = { name: 'x', audiences: ['https://api.example'] }
    const key = (await server.request('POST', `/v1/users/${person.user}/keys`, { json })).json.key
    const token = (await server.exchange(exchangeForm(key, { audience: 'https://api.example' }))).json.access_token
    expect((await introspect({ token })).json).toMatchObject({ active: true, aud: 'https://api.example' })
    await server.request('POST', '/oauth/revoke', {
      token: null,
      body: new URLSearchParams({ token }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect((await introspect({ token })).json).toEqual({ active: false })
  })

  it('says nothing but "not active" of everything else', async () => {
    const revoked = await ownKey(server, person, {})
    await server.request('DELETE', `/v1/keys/${revoked.id}`, { token: person.token })
    const disabled = await newPerson(server)
    await server.request('PATCH', `/v1/users/${disabled.user}`, { json: { disabled: true } })
    const expired = await ownKey(server, person, { expiresAt: new Date(clock.now() + 1000).toISOString() })
    clock.advance(1000)
    const tokens = ['x', 'a.b.c', revoked.key, revoked.token, disabled.key, disabled.token, expired.key, expired.token]
    for (const token of tokens) expect((await introspect({ token })).json).toEqual({ active: false })
  })

  it('judges where the holder came from, if it is told', async () => {
    const { key } = await ownKey(server, person, { allowedIps: ['203.0.113.0/24', '127.0.0.1'] })
    expect((await introspect({ token: key })).json.allowed_ips).toEqual(['203.0.113.0/24', '127.0.0.1/32'])
    expect((await introspect({ token: key, client_ip: '203.0.113.4' })).json.active).toBe(true)
    expect((await introspect({ token: key, client_ip: '198.51.100.4' })).json).toEqual({ active: false })
    expect((await introspect({ token: key, client_ip: 'x' })).json).toEqual({ active: false })
  })

  it.each([
    ['no token', null, 401, 'invalid_token'],
    ['nonsense', 'nonsense', 401, 'invalid_token'],
    ['a token without the scope', 'weak', 403, 'insufficient_scope'],
  ])('is refused to a caller with %s', async (_what, token, status, error) => {
    const answer = await introspect({ token: person.key }, token === 'weak' ? person.token : token)
    expect([answer.status, answer.json.error]).toEqual([status, error])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  it('wants one token', async () => {
    expect((await introspect({})).json.error).toBe('invalid_request')
    expect((await introspect('token=a&token=b')).json.error).toBe('invalid_request')
  })
})
