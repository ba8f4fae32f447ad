import { DatabaseSync } from 'node:sqlite'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeApiKey } from '../../contract/api-key.ts'
import { OAuthProblem } from '../../server/domain/problem.ts'
import { type TokensOptions, tokenExchange } from '../../server/domain/tokens.ts'
import { MovableClock } from '../support/clock.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const DAY_MS = 86_400_000
const clock = new MovableClock(Date.now())
let server: TestServer
let person: Person
beforeAll(async () => {
  server = await startServer({ clock, env: { VERDICT_RUNNER: 'none', VERDICT_RATE_EXCHANGES: '100000' } })
  person = await newPerson(server)
})
afterAll(() => server?.stop())

const unknownKey = makeApiKey((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))

describe('token exchange', () => {
  it('gives a signed token of RFC 9068 for a key', async () => {
    const answer = await server.exchange(exchangeForm(person.key))
    expect(answer.status).toBe(200)
    const { access_token, ...rest } = answer.json
    expect(rest).toEqual({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'runs:read runs:write suites:read suites:write keys:read keys:write',
      key_expires_at: new Date(clock.now() + 90 * DAY_MS).toISOString(),
    })
    const { payload, protectedHeader } = await jwtVerify(
      access_token,
      createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`)),
      { issuer: server.url, audience: `${server.url}/v1`, typ: 'at+jwt', algorithms: ['ES256'] },
    )
    expect(protectedHeader.kid).toMatch(/^[\w-]{43}$/)
    expect(payload).toMatchObject({ sub: person.user, client_id: person.keyId, workspace: person.workspace })
    expect(Object.keys(payload).sort()).toEqual(
      ['aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'key_name', 'scope', 'sub', 'workspace'].sort(),
    )
    expect(payload.exp! - payload.iat!).toBe(900)
  })

  it('names the suites of a key that is limited to some', async () => {
    const limited = await ownKey(server, person, { suites: ['smoke'] })
    expect(decodeJwt(limited.token).suites).toEqual(['smoke'])
  })

  it('never gives a token that outlives its key', async () => {
    const expiresAt = new Date(clock.now() + 60_000).toISOString()
    const { key } = await ownKey(server, person, { expiresAt })
    const answer = await server.exchange(exchangeForm(key))
    expect(answer.json.expires_in).toBeLessThanOrEqual(60)
    expect(answer.json.key_expires_at).toBe(expiresAt)
  })

  it('narrows to the scopes that were asked for', async () => {
    const answer = await server.exchange(exchangeForm(person.key, { scope: 'runs:read  suites:read' }))
    expect(answer.json.scope).toBe('runs:read suites:read')
    expect(decodeJwt(answer.json.access_token).scope).toBe('runs:read suites:read')
  })
})

describe('a key that is not good', () => {
  it('gets one answer for all ways to be malformed or unknown', async () => {
    const wrong = [
      'x',
      'vdt_',
      `${person.key}x`,
      person.key.slice(0, -1),
      person.key.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      person.key.toLowerCase(),
      unknownKey,
      'é'.repeat(36),
    ]
    const answers = await Promise.all(wrong.map((key) => server.exchange(exchangeForm(key))))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]!.status).toBe(400)
    expect(answers[0]!.json).toEqual({
      error: 'invalid_request',
      error_description: expect.stringContaining('VERDICT_API_KEY'),
    })
  })

  it('is refused by its checksum, before anything looks into the store', async () => {
    // Without a store: a look into it would be a TypeError.
    const tokens = tokenExchange({} as TokensOptions)
    const identify = tokens.identify as unknown as (form: object, address: string) => Promise<unknown>
    for (const key of ['x', 'v'.repeat(1_000_000), unknownKey.replace(/.$/, (last) => (last === '0' ? '1' : '0'))]) {
      await expect(identify(exchangeForm(key), '127.0.0.1')).rejects.toThrow(OAuthProblem)
    }
    await expect(identify(exchangeForm(unknownKey), '127.0.0.1')).rejects.toThrow(TypeError)
  })

  it('is refused when it is a megabyte long', async () => {
    const answer = await server.exchange(exchangeForm('v'.repeat(1_000_000)))
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
  })

  it('is told that it was revoked, since when, and what to do', async () => {
    const { key, id } = await ownKey(server, person, { name: 'old laptop' })
    expect((await server.request('DELETE', `/v1/keys/${id}`, { token: person.token })).status).toBe(204)
    const answer = await server.exchange(exchangeForm(key))
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
    expect(answer.json.error_description).toContain("'old laptop' was revoked at")
    expect(answer.json.error_description).toContain(new Date(clock.now()).toISOString())
    expect(answer.json.error_description).toContain('verdict keys create')
    expect(answer.text).not.toContain(key)
  })

  it('is told that it expired, and when', async () => {
    const expiresAt = new Date(clock.now() + 5000).toISOString()
    const { key } = await ownKey(server, person, { name: 'brief', expiresAt })
    clock.advance(5000)
    const answer = await server.exchange(exchangeForm(key))
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
    expect(answer.json.error_description).toContain(`'brief' expired at ${expiresAt}`)
  })

  it('is narrowed to what the role of its user still allows', async () => {
    const lowered = await newPerson(server)
    const db = new DatabaseSync(`${server.dataDir}/verdict.db`)
    db.prepare(`UPDATE memberships SET role = 'viewer', changedAt = ? WHERE user = ?`).run(clock.now(), lowered.user)
    db.close()
    const plain = await server.exchange(exchangeForm(lowered.key))
    expect(plain.json.scope).toBe('runs:read suites:read keys:read keys:write')
    const asked = await server.exchange(exchangeForm(lowered.key, { scope: 'runs:write' }))
    expect(asked.json.error).toBe('invalid_scope')
    // Tokens that are out already: seen at the next look at what changed.
    await ownKey(server, person, {}).then(({ id }) =>
      server.request('DELETE', `/v1/keys/${id}`, { token: person.token }),
    )
    const old = await server.request('POST', '/v1/runs', { token: lowered.token, json: { suite: 'x' } })
    expect([old.status, old.json.code]).toEqual([403, 'insufficient_scope'])
  })
})

describe('/oauth/revoke', () => {
  const revoke = (form: Record<string, string>) =>
    server.request('POST', '/oauth/revoke', {
      token: null,
      body: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })

  it('ends a key and its tokens by holding it', async () => {
    const other = await ownKey(server, person, {})
    expect((await server.request('GET', '/v1/me', { token: other.token })).status).toBe(200)
    expect((await revoke({ token: other.key })).status).toBe(200)
    expect((await server.exchange(exchangeForm(other.key))).status).toBe(400)
    const after = await server.request('GET', '/v1/me', { token: other.token })
    expect([after.status, after.json.code]).toEqual([401, 'invalid_token'])
    expect(after.json.detail).toMatch(/key was revoked/)
  })

  it('ends an access token alone, and not its key', async () => {
    const other = await ownKey(server, person, {})
    expect((await revoke({ token: other.token, token_type_hint: 'access_token' })).status).toBe(200)
    expect((await server.request('GET', '/v1/me', { token: other.token })).status).toBe(401)
    const next = await server.token(undefined, other.key)
    expect((await server.request('GET', '/v1/me', { token: next })).status).toBe(200)
  })

  it.each([['nonsense'], [unknownKey], ['a.b.c']])('answers 200 for %s all the same', async (token) => {
    expect((await revoke({ token })).status).toBe(200)
  })

  it('wants a token', async () => {
    const answer = await revoke({})
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
  })

  it('is seen although the clock was set back in between', async () => {
    const other = await ownKey(server, person, {})
    clock.jump(-3_600_000)
    await revoke({ token: other.key })
    clock.jump(3_600_000)
    expect((await server.request('GET', '/v1/me', { token: other.token })).status).toBe(401)
  })
})

describe('what clients need to know', () => {
  it('is told as RFC 8414 metadata', async () => {
    const answer = await server.request('GET', '/.well-known/oauth-authorization-server', { token: null })
    expect(answer.json).toMatchObject({
      issuer: server.url,
      token_endpoint: `${server.url}/oauth/token`,
      revocation_endpoint: `${server.url}/oauth/revoke`,
      jwks_uri: `${server.url}/.well-known/jwks.json`,
      grant_types_supported: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      token_endpoint_auth_methods_supported: ['none'],
    })
    expect(answer.json.scopes_supported).not.toContain('work')
  })

  it('has public keys and nothing private among them', async () => {
    const answer = await server.request('GET', '/.well-known/jwks.json', { token: null })
    expect(answer.headers.get('cache-control')).toBe('max-age=300')
    for (const key of answer.json.keys) {
      expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
      expect(Object.keys(key)).not.toContain('d')
    }
  })

  it('is never cached where it is secret', async () => {
    const good = await server.exchange(exchangeForm(person.key))
    const bad = await server.exchange(exchangeForm('x'))
    for (const { headers } of [good, bad]) expect(headers.get('cache-control')).toBe('no-store')
    const metadata = await server.request('GET', '/.well-known/oauth-authorization-server', { token: null })
    expect(metadata.headers.get('cache-control')).toBe('max-age=300')
  })
})

it('never logs a key or a token', () => {
  const log = server.logged.join('')
  expect(log).not.toMatch(/vdt_[0-9A-Za-z]{36}/)
  expect(log).not.toContain(person.token)
})
