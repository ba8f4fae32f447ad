import { createHmac } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { secretKey } from '../../server/secret-key.ts'
import { createVault } from '../../server/vault/vault.ts'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'

const clock = new MovableClock(Date.now())
let server: TestServer
let good: string
let signingKey: Awaited<ReturnType<typeof importJWK>>
let publicJwk: JWK
beforeAll(async () => {
  server = await startServer({ clock, env: { VERDICT_RUNNER: 'none', VERDICT_TRUST_PROXY: '127.0.0.1' } })
  good = await server.token()
  publicJwk = (await server.request('GET', '/.well-known/jwks.json', { token: null })).json.keys[0]
  signingKey = await ownSigningKey(server.dataDir)
})
afterAll(() => server?.stop())

/** The server's own key, as only its operator could get it: a token can be wrong in one point and right in all others. */
async function ownSigningKey(dataDir: string) {
  const vault = createVault(secretKey(undefined, `${dataDir}/secret-key`))
  const db = new DatabaseSync(`${dataDir}/verdict.db`)
  const row = db.prepare('SELECT id, sealedPrivateKey FROM signing_keys').get() as Record<string, string>
  db.close()
  return importJWK(JSON.parse(vault.open(row.sealedPrivateKey!, `signing-key/${row.id}`)), 'ES256')
}

/** An address counts 30 failures a minute: each test has one of its own, behind a trusted proxy. */
let addresses = 0
const ownAddress = () => ({ 'x-forwarded-for': `10.1.0.${++addresses}` })

const claims = () => decodeJwt(good) as Record<string, unknown>
const header = () => decodeProtectedHeader(good) as { alg: string; kid: string; typ: string }
const sign = (changed: object, changedHeader: object = {}) => {
  const merged = Object.entries({ ...claims(), ...changed }).filter(([, value]) => value !== undefined)
  return new SignJWT(Object.fromEntries(merged) as never)
    .setProtectedHeader({ ...header(), ...changedHeader })
    .sign(signingKey)
}
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const hmac = (key: string | Buffer, alg = 'HS256') => {
  const input = `${part({ ...header(), alg })}.${part(claims())}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}
const seconds = () => Math.floor(clock.now() / 1000)
const pieces = () => good.split('.') as [string, string, string]

/** RFC 8725, and the ways around it that are known. */
const BAD_TOKENS: [string, () => string | Promise<string>][] = [
  ['nonsense', () => 'nonsense'],
  ['alg none', () => `${part({ ...header(), alg: 'none' })}.${part(claims())}.`],
  ['alg none with a signature', () => `${part({ ...header(), alg: 'none' })}.${part(claims())}.${pieces()[2]}`],
  ['alg nOnE', () => `${part({ ...header(), alg: 'nOnE' })}.${part(claims())}.${pieces()[2]}`],
  ['no signature', () => `${pieces()[0]}.${pieces()[1]}.`],
  ['two parts', () => `${pieces()[0]}.${pieces()[1]}`],
  ['five parts', () => `${good}.a.b`],
  ['HS256 with the public key as text', () => hmac(JSON.stringify(publicJwk))],
  ['HS256 with the x of the public key', () => hmac(Buffer.from(publicJwk.x!, 'base64url'))],
  ['HS256 with an empty secret', () => hmac('')],
  ['an ES256 signature of zeros', () => `${pieces()[0]}.${pieces()[1]}.${Buffer.alloc(64).toString('base64url')}`],
  [
    'another key under the same kid',
    async () => {
      const { privateKey } = await generateKeyPair('ES256')
      return new SignJWT(claims() as never).setProtectedHeader(header()).sign(privateKey)
    },
  ],
  [
    'an embedded key',
    async () => {
      const pair = await generateKeyPair('ES256', { extractable: true })
      const jwk = await exportJWK(pair.publicKey)
      return new SignJWT(claims() as never).setProtectedHeader({ ...header(), jwk } as never).sign(pair.privateKey)
    },
  ],
  ['an unknown kid', () => sign({}, { kid: 'other' })],
  ['no kid', () => sign({}, { kid: undefined })],
  ['a kid that is a path', () => sign({}, { kid: '../../secret-key' })],
  ['a kid that is a prototype property', () => sign({}, { kid: '__proto__' })],
  [
    'an algorithm that is not that of the key',
    () => `${part({ ...header(), alg: 'RS256' })}.${pieces()[1]}.${pieces()[2]}`,
  ],
  ['typ JWT', () => sign({}, { typ: 'JWT' })],
  ['no typ', () => sign({}, { typ: undefined })],
  [
    'a crit that nobody knows',
    () =>
      sign({}, { crit: ['x'], x: 1 }).catch(
        () => `${part({ ...header(), crit: ['x'], x: 1 })}.${pieces()[1]}.${pieces()[2]}`,
      ),
  ],
  ['changed claims', () => `${pieces()[0]}.${part({ ...claims(), scope: 'admin' })}.${pieces()[2]}`],
  ['another issuer', () => sign({ iss: 'https://other.example' })],
  ['the issuer with a slash', () => sign({ iss: `${server.url}/` })],
  ['another audience', () => sign({ aud: 'https://other.example/v1' })],
  ['no audience', () => sign({ aud: undefined })],
  ['no exp', () => sign({ exp: undefined })],
  ['exp as text', () => sign({ exp: String(seconds() + 600) })],
  ['exp in the past', () => sign({ exp: seconds() - 1 })],
  ['nbf in the future', () => sign({ nbf: seconds() + 600 })],
  ['no sub', () => sign({ sub: undefined })],
  ['no client_id', () => sign({ client_id: undefined })],
  ['no jti', () => sign({ jti: undefined })],
  ['no scope', () => sign({ scope: undefined })],
  ['no workspace', () => sign({ workspace: undefined })],
  [
    'JSON serialisation',
    () => JSON.stringify({ protected: pieces()[0], payload: pieces()[1], signature: pieces()[2] }),
  ],
  ['padding', () => `${good}=`],
  ['more than a token ever is', () => `${good}${'A'.repeat(9000)}`],
]

describe('a bearer token', () => {
  it('is good when this server signed it', async () => {
    expect((await server.request('GET', '/v1/me', { token: good })).status).toBe(200)
    expect((await server.request('GET', '/v1/me', { token: await sign({}) })).status).toBe(200)
  })

  it('may be announced in any case of letters', async () => {
    const answer = await server.request('GET', '/v1/me', { token: null, headers: { authorization: `bEaReR ${good}` } })
    expect(answer.status).toBe(200)
  })

  it.each(BAD_TOKENS)('is refused with %s', async (_what, make) => {
    const answer = await server.request('GET', '/v1/me', { token: await make(), headers: ownAddress() })
    expect([answer.status, answer.json.code]).toEqual([401, 'invalid_token'])
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="verdict", error="invalid_token", error_description="[^"]+"$/,
    )
  })

  it('is missed by a hint on how to get one', async () => {
    const answer = await server.request('GET', '/v1/me', { token: null })
    expect([answer.status, answer.json.code]).toEqual([401, 'unauthorized'])
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="verdict"')
    expect(answer.json.detail).toContain('POST /oauth/token')
  })

  it.each(['Basic dXNlcjpwYXNz', 'Bearer', 'Bearer a b', 'Token x'])('is not what "%s" is', async (authorization) => {
    const answer = await server.request('GET', '/v1/me', { token: null, headers: { authorization } })
    expect([answer.status, answer.json.code]).toEqual([401, 'unauthorized'])
  })

  it('is not an API key, whose holder is told what to do with it', async () => {
    const answer = await server.request('GET', '/v1/me', { token: server.key, headers: ownAddress() })
    expect([answer.status, answer.json.code]).toEqual([401, 'invalid_token'])
    expect(answer.json.detail).toContain('This is an API key. Exchange it')
    expect(answer.text + answer.headers.get('www-authenticate')).not.toContain(server.key)
  })

  it('is not taken from the address or a form', async () => {
    const answer = await server.request('GET', `/v1/me?access_token=${good}`, { token: null })
    expect(answer.status).toBe(401)
  })

  it('ends after its time, and says so', async () => {
    const token = await server.token()
    clock.advance(899_000)
    expect((await server.request('GET', '/v1/me', { token })).status).toBe(200)
    clock.advance(1000)
    const answer = await server.request('GET', '/v1/me', { token })
    expect([answer.status, answer.json.code]).toEqual([401, 'invalid_token'])
    expect(answer.json.detail).toMatch(/expired/)
  })
})

describe('the configuration of tokens', () => {
  it('takes RS256 and another life', async () => {
    const other = await startServer({
      env: { VERDICT_RUNNER: 'none', VERDICT_TOKEN_ALGORITHM: 'RS256', VERDICT_TOKEN_TTL_SECONDS: '60' },
    })
    const token = await other.token()
    expect(decodeProtectedHeader(token).alg).toBe('RS256')
    const { exp, iat } = decodeJwt(token)
    expect(exp! - iat!).toBe(60)
    expect((await other.request('GET', '/v1/me', { token })).status).toBe(200)
    await other.stop()
  })

  it('may change without ending the tokens that are out', async () => {
    const first = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_PUBLIC_URL: 'http://verdict.test' } })
    const token = await first.token()
    await first.server.stop()
    const second = await startServer({
      dataDir: first.dataDir,
      env: { VERDICT_RUNNER: 'none', VERDICT_PUBLIC_URL: 'http://verdict.test', VERDICT_TOKEN_ALGORITHM: 'RS256' },
    })
    expect((await second.request('GET', '/v1/me', { token })).status).toBe(200)
    await second.stop()
    await rm(first.dataDir, { recursive: true })
  })
})
