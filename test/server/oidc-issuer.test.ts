import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ID_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../contract/tokens.ts'
import { MovableClock } from '../support/clock.ts'
import { type OidcIssuer, startOidcIssuer } from '../support/oidc-issuer.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'

const clock = new MovableClock(Date.now())
let issuer: OidcIssuer
let server: TestServer
const settings = () => ({
  ...{ VERDICT_RUNNER: 'none', VERDICT_OIDC_CREATE_USERS: '1' },
  ...{ VERDICT_OIDC_ISSUER: issuer.url, VERDICT_OIDC_ACCEPTED_AUDIENCES: 'client-1' },
})
beforeAll(async () => {
  issuer = await startOidcIssuer({ audience: 'client-1', now: () => clock.now() })
  server = await startServer({ clock, env: settings() })
})
afterAll(async () => {
  await server?.stop()
  await issuer?.close()
})
const exchange = (subject_token: string, at = server) =>
  at.exchange({ grant_type: TOKEN_EXCHANGE_GRANT, subject_token_type: ID_TOKEN_TYPE, subject_token })

describe('an issuer', () => {
  afterEach(() => {
    issuer.instead = undefined
    issuer.keys = [issuer.publicJwk]
  })
  const [METADATA, JWKS] = ['/.well-known/openid-configuration', '/jwks']
  const spoil = (path: string, how: (request: IncomingMessage, response: ServerResponse) => void) => {
    issuer.instead = (request, response) => {
      if (request.url !== path) return false
      how(request, response)
      return true
    }
  }
  const fresh = () => startServer({ env: settings() })

  /** Of now, and not of the clock that tests move. */
  const presentToken = () => {
    const iat = Math.floor(Date.now() / 1000)
    return issuer.token({ iat, exp: iat + 60 })
  }

  it('that is well lets its people in', async () => {
    const at = await fresh()
    expect((await exchange(await presentToken(), at)).status).toBe(200)
    await at.stop()
  })

  it.each<[string, () => void]>([
    ['has no keys', () => (issuer.keys = [])],
    ['has keys that are none', () => (issuer.keys = [{ kty: 'RSA' }, null, 7])],
    ['has a symmetric key', () => (issuer.keys = [{ kty: 'oct', k: 'c2VjcmV0', kid: 'a' }])],
    [
      'has a thousand keys',
      () =>
        (issuer.keys = Array.from({ length: 1000 }, (_, n) => ({ ...issuer.publicJwk, kid: n === 0 ? 'a' : `${n}` }))),
    ],
    [
      'names another issuer',
      () =>
        spoil(METADATA, (_request, response) =>
          response.end('{"issuer":"https://evil.example","jwks_uri":"https://evil.example/"}'),
        ),
    ],
    ...[METADATA, JWKS].flatMap((path): [string, () => void][] => [
      [
        `redirects from ${path}`,
        () => spoil(path, (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()),
      ],
      [
        `sends too much at ${path}`,
        () => spoil(path, (_request, response) => response.end(`{"x":"${'x'.repeat(300_000)}"}`)),
      ],
      [`sends nothing at ${path}`, () => spoil(path, (_request, response) => response.end())],
      [`sends no JSON at ${path}`, () => spoil(path, (_request, response) => response.end('<html>'))],
      [`fails at ${path}`, () => spoil(path, (_request, response) => response.writeHead(500).end())],
      [`hangs up at ${path}`, () => spoil(path, (request) => request.socket.destroy())],
    ]),
  ])('that %s lets nobody in, and is no failure of the server', async (_what, happens) => {
    const at = await fresh()
    happens()
    const answer = await exchange(await presentToken(), at)
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
    expect((await at.exchange(exchangeForm(at.key))).status).toBe(200)
    await at.stop()
  })

  it.each<[string, () => void]>([
    ['never answers', () => (issuer.instead = () => true)],
    [
      'sends its keys byte by byte',
      () =>
        spoil(JWKS, (_request, response) => {
          const trickle = setInterval(() => response.write(' '), 100)
          response.on('close', () => clearInterval(trickle))
        }),
    ],
  ])(
    'that %s holds up nobody else, and not for long',
    async (_what, happens) => {
      const at = await fresh()
      happens()
      const before = performance.now()
      const slow = exchange(await presentToken(), at)
      expect((await at.exchange(exchangeForm(at.key))).status).toBe(200)
      expect((await slow).status).toBe(400)
      expect(performance.now() - before).toBeLessThan(8000)
      await at.stop()
    },
    15_000,
  )

  it('that changes its keys is asked again, at most every half minute, by all who wait together', async () => {
    const pair = await generateKeyPair('RS256', { extractable: true })
    const next = { ...(await exportJWK(pair.publicKey)), kid: 'b', alg: 'RS256' }
    const token = async () => {
      const iat = Math.floor(clock.now() / 1000)
      const claims = { iss: issuer.url, aud: 'client-1', sub: 'alice', iat, exp: iat + 60 }
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'b' }).sign(pair.privateKey)
    }
    expect((await exchange(await issuer.token())).status).toBe(200)
    clock.advance(31_000)
    const before = issuer.asked()
    const early = await token()
    await Promise.all(Array.from({ length: 10 }, () => exchange(early)))
    expect(issuer.asked()).toBe(before + 1)
    issuer.keys = [issuer.publicJwk, next]
    expect((await exchange(early)).status).toBe(400)
    clock.advance(31_000)
    expect((await exchange(await token())).status).toBe(200)
    expect(issuer.asked()).toBe(before + 2)
  })
})
