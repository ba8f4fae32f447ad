import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { type OidcIssuer, startOidcIssuer } from '../support/oidc-issuer.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'

const ORIGIN = 'https://app.example'
const clock = new MovableClock(Date.now())
let issuer: OidcIssuer
let server: TestServer
beforeAll(async () => {
  issuer = await startOidcIssuer({ audience: 'client-1', now: () => clock.now() })
  server = await startServer({
    clock,
    env: {
      VERDICT_RUNNER: 'none',
      VERDICT_CORS_ORIGINS: ORIGIN,
      VERDICT_TRUST_PROXY: '127.0.0.1/32',
      VERDICT_OIDC_ISSUER: issuer.url,
      VERDICT_OIDC_ACCEPTED_AUDIENCES: 'client-1, client-2',
      VERDICT_OIDC_CREATE_USERS: '1',
      VERDICT_AUDIENCES: '{"https://api.example":["orders:read"]}',
    },
  })
})
afterAll(async () => {
  await server?.stop()
  await issuer?.close()
})
let address = 0
const exchange = (token: string, more = {}, at = server) =>
  at.exchange(
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      subject_token: token,
      ...more,
    },
    { 'x-forwarded-for': `198.51.100.${++address}` },
  )
const signIn = async (claims = {}) => (await exchange(await issuer.token(claims))).json.access_token as string

describe('a signed-in person', () => {
  it('gets a token that manages their own keys and nothing else', async () => {
    const answer = await exchange(
      await issuer.token({ sub: 'ann', email: 'ann@example.com', email_verified: true, name: 'Ann' }),
    )
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ scope: 'keys:read keys:write', key_expires_at: null })
    const claims = decodeJwt(answer.json.access_token)
    expect(claims).toMatchObject({ client_id: 'oidc:client-1', scope: 'keys:read keys:write' })
    const token = answer.json.access_token
    const me = await server.request('GET', '/v1/me', { token })
    expect(me.json).toMatchObject({
      user: { name: 'Ann', email: 'ann@example.com' },
      credential: { kind: 'oidc', id: 'oidc:client-1' },
    })
    for (const path of ['/v1/runs', '/v1/suites', '/v1/audit', '/v1/users']) {
      expect((await server.request('GET', path, { token })).status).toBe(403)
    }
  })

  it('is the same person the next time, also at another client of the issuer', async () => {
    const [one, two] = [await signIn({ sub: 'bo' }), await signIn({ sub: 'bo', aud: 'client-2' })]
    expect(decodeJwt(one).sub).toBe(decodeJwt(two).sub)
    const user = await server.request('GET', `/v1/users/${decodeJwt(one).sub}`)
    expect(user.json.externalId).toBe('bo')
  })

  it('is one person, also when they sign in ten times at once', async () => {
    const tokens = await Promise.all(Array.from({ length: 10 }, () => signIn({ sub: 'race' })))
    expect(new Set(tokens.map((token) => decodeJwt(token).sub)).size).toBe(1)
  })

  it('gives keys what their role has, but nothing beyond their own work', async () => {
    const token = await signIn({ sub: 'cy' })
    const make = (json: object) => server.request('POST', '/v1/keys', { token, json: { name: 'ci', ...json } })
    const made = await make({
      scopes: ['runs:write', 'suites:write', 'audit:read'],
      audiences: ['https://api.example'],
    })
    expect(made.status).toBe(201)
    expect((await server.exchange(exchangeForm(made.json.key))).json.scope).toContain('runs:write')
    for (const scope of ['members:write', 'users:write', 'workers:write', 'admin']) {
      expect((await make({ scopes: [scope] })).json.code).toBe('exceeds_caller')
    }
    expect((await server.request('POST', `/v1/keys/${made.json.id}/rotate`, { token, json: {} })).status).toBe(201)
    expect((await server.request('DELETE', `/v1/keys/${made.json.id}`, { token })).status).toBe(204)
    const other = await signIn({ sub: 'dee' })
    expect((await server.request('GET', `/v1/keys/${made.json.id}`, { token: other })).status).toBe(404)
  })

  it('is not shown another’s new key for the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'same' }
    const [one, two] = [await signIn({ sub: 'e1' }), await signIn({ sub: 'e2' })]
    const make = (token: string) => server.request('POST', '/v1/keys', { token, headers, json: { name: 'x' } })
    const [first, second] = [await make(one), await make(two)]
    expect(first.json.key).not.toBe(second.json.key)
    expect((await make(one)).json.key).toBe(first.json.key)
  })

  it('never has a token for longer than their sign-in', async () => {
    const now = Math.floor(clock.now() / 1000)
    const answer = await exchange(await issuer.token({ iat: now, exp: now + 60 }))
    expect(answer.json.expires_in).toBeLessThanOrEqual(60)
  })

  it('gets no wider token, and none for another audience', async () => {
    const token = await issuer.token()
    expect((await exchange(token, { scope: 'runs:read' })).json.error).toBe('invalid_scope')
    expect((await exchange(token, { scope: 'keys:read' })).json.scope).toBe('keys:read')
    expect((await exchange(token, { audience: 'https://api.example' })).json.error).toBe('invalid_target')
  })

  it('is stopped within a second when they are disabled', async () => {
    const token = await signIn({ sub: 'gone' })
    const { sub } = decodeJwt(token)
    await server.request('PATCH', `/v1/users/${sub}`, { json: { disabled: true } })
    expect((await server.request('GET', '/v1/me', { token })).status).toBe(401)
    expect((await exchange(await issuer.token({ sub: 'gone' }))).status).toBe(400)
  })

  it('gets nothing when they are disabled while the keys of their issuer are asked for', async () => {
    const user = decodeJwt(await signIn({ sub: 'mid' })).sub
    // The keys that are known are too old by then.
    clock.advance(11 * 60_000)
    let answer: (() => void) | undefined
    const asked = new Promise<void>((resolve) => {
      issuer.instead = (request, response) => {
        if (request.url !== '/jwks') return false
        answer = () => response.end(JSON.stringify({ keys: issuer.keys }))
        resolve()
        return true
      }
    })
    const exchanging = exchange(await issuer.token({ sub: 'mid' }))
    await asked
    issuer.instead = undefined
    await server.request('PATCH', `/v1/users/${user}`, { json: { disabled: true } })
    answer?.()
    expect((await exchanging).status).toBe(400)
  })

  it('comes with no email that nobody checked or that another has', async () => {
    const user = async (token: string) => (await server.request('GET', `/v1/users/${decodeJwt(token).sub}`)).json
    expect((await user(await signIn({ sub: 'u1', email: 'first@example.com' }))).email).toBeNull()
    await signIn({ sub: 'u2', email: 'second@example.com', email_verified: true })
    expect(
      (await user(await signIn({ sub: 'u3', email: 'second@example.com', email_verified: true }))).email,
    ).toBeNull()
  })

  it('may come from a page of an allowed origin, and of no other', async () => {
    const ask = (origin: string, path: string) =>
      server.request('OPTIONS', path, { token: null, headers: { origin, 'access-control-request-method': 'POST' } })
    for (const path of ['/oauth/token', '/v1/keys']) {
      expect((await ask(ORIGIN, path)).headers.get('access-control-allow-origin')).toBe(ORIGIN)
      expect((await ask('https://evil.example', path)).headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('of another issuer is another person, also with an equal id', async () => {
    const other = await startOidcIssuer({ audience: 'client-1', now: () => clock.now() })
    const first = decodeJwt(await signIn({ sub: 'twin' })).sub
    const { dataDir } = server
    await server.stop()
    const env = { VERDICT_RUNNER: 'none', VERDICT_OIDC_ISSUER: other.url, VERDICT_OIDC_ACCEPTED_AUDIENCES: 'client-1' }
    const known = await startServer({ clock, dataDir, env })
    expect((await exchange(await other.token({ sub: 'twin' }), {}, known)).status).toBe(400)
    await known.stop()
    const makes = await startServer({ clock, dataDir, env: { ...env, VERDICT_OIDC_CREATE_USERS: '1' } })
    const answer = await exchange(await other.token({ sub: 'twin' }), {}, makes)
    expect(decodeJwt(answer.json.access_token).sub).not.toBe(first)
    await makes.stop()
    await other.close()
    server = await startServer({
      clock,
      env: {
        ...{ VERDICT_RUNNER: 'none', VERDICT_TRUST_PROXY: '127.0.0.1/32', VERDICT_OIDC_CREATE_USERS: '1' },
        ...{ VERDICT_OIDC_ISSUER: issuer.url, VERDICT_OIDC_ACCEPTED_AUDIENCES: 'client-1' },
      },
    })
  })
})
