import { createPrivateKey, sign as signBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEvent } from '../../contract/audit.ts'
import { createVault } from '../../server/vault/vault.ts'
import { type OidcIssuer, startOidcIssuer } from '../support/oidc-issuer.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { ATTACKS, type Target } from './jwt-attacks.ts'

const b64 = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

let issuer: OidcIssuer
let server: TestServer
beforeAll(async () => {
  issuer = await startOidcIssuer({ audience: 'client-1', now: Date.now })
  server = await startServer({
    env: {
      VERDICT_RUNNER: 'none',
      VERDICT_TRUST_PROXY: '127.0.0.1/32',
      VERDICT_OIDC_ISSUER: issuer.url,
      VERDICT_OIDC_ACCEPTED_AUDIENCES: 'client-1',
      VERDICT_OIDC_CREATE_USERS: '1',
    },
  })
})
afterAll(async () => {
  await server?.stop()
  await issuer?.close()
})
let address = 0
/** Each from an address of its own: it would be refused for their number otherwise. */
const headers = () => ({ 'x-forwarded-for': `198.51.100.${++address}` })

describe('an access token', () => {
  let target: Target
  beforeAll(async () => {
    // What the server alone can do: sign with its own key, so that nothing but the attack is wrong.
    const db = new DatabaseSync(`${server.dataDir}/verdict.db`, { readOnly: true })
    const row = db.prepare('SELECT id, sealedPrivateKey AS sealed FROM signing_keys').get() as {
      id: string
      sealed: string
    }
    db.close()
    const vault = createVault(Buffer.from(readFileSync(`${server.dataDir}/secret-key`, 'utf8').trim(), 'base64'))
    const jwk = JSON.parse(vault.open(row.sealed, `signing-key/${row.id}`))
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    const { d: _private, ...publicJwk } = jwk
    target = {
      good: await server.token(),
      publicJwk,
      now: Math.floor(Date.now() / 1000),
      async sign(header, claims) {
        const input = `${b64(header)}.${b64(claims)}`
        return `${input}.${signBytes('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
      },
    }
  })

  it('is taken, and so is one that the same key signs by hand: the attacks differ from it in one thing', async () => {
    const [header, claims] = target.good
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
    for (const token of [target.good, await target.sign(header, claims)]) {
      expect((await server.request('GET', '/v1/me', { token })).status).toBe(200)
    }
  })

  it.each([
    ...ATTACKS,
    ['8 the type of an ID token', (of: Target) => of.sign({ ...headerOf(of), typ: 'JWT' }, claimsOf(of))] as const,
    ['8 no type', (of: Target) => of.sign({ ...headerOf(of), typ: undefined }, claimsOf(of))] as const,
    ['8 the issuer’s ID token', () => issuer.token()] as const,
  ])('is refused with %s', async (_name, attack) => {
    const token = (await attack(target)).replaceAll('\n', ' ')
    const answer = await server.request('GET', '/v1/me', { token, headers: headers() })
    // HTTP itself takes no header of more than 16 kB.
    expect(answer.status).toBe(token.length > 16_000 ? 400 : 401)
    expect(answer.text).not.toContain('jose')
  })

  it('is refused with 20, a replay after it was revoked', async () => {
    const token = await server.token()
    await server.request('POST', '/oauth/revoke', {
      token: null,
      body: new URLSearchParams({ token }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect((await server.request('GET', '/v1/me', { token })).status).toBe(401)
  })
})

describe('an OIDC token', () => {
  let target: Target
  beforeAll(async () => {
    target = {
      good: await issuer.token(),
      publicJwk: issuer.publicJwk,
      now: Math.floor(Date.now() / 1000),
      async sign(header, claims) {
        const input = `${b64(header)}.${b64(claims)}`
        const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', issuer.privateKey, Buffer.from(input))
        return `${input}.${Buffer.from(signature).toString('base64url')}`
      },
    }
  })
  const exchange = (token: string, from = headers(), type = 'id_token') =>
    server.exchange(
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: `urn:ietf:params:oauth:token-type:${type}`,
      },
      from,
    )

  it('is taken', async () => {
    expect((await exchange(target.good)).status).toBe(200)
  })

  const attacks = [
    ...ATTACKS,
    [
      '8 the type of an access token',
      (of: Target) => of.sign({ ...headerOf(of), typ: 'at+jwt' }, claimsOf(of)),
    ] as const,
    [
      '8 a token of another kind by its own word',
      (of: Target) => of.sign(headerOf(of), { ...claimsOf(of), typ: 'Bearer' }),
    ] as const,
    ['8 our own access token', () => server.token()] as const,
    [
      '10 an azp of another client',
      (of: Target) => of.sign(headerOf(of), { ...claimsOf(of), azp: 'client-2' }),
    ] as const,
    [
      '11 older than a day',
      (of: Target) => of.sign(headerOf(of), { ...claimsOf(of), iat: of.now - 90_000, exp: of.now + 60 }),
    ] as const,
    ['11 no sub', (of: Target) => of.sign(headerOf(of), { ...claimsOf(of), sub: undefined })] as const,
    [
      '20 a replay after its end',
      (of: Target) => of.sign(headerOf(of), { ...claimsOf(of), iat: of.now - 60, exp: of.now - 1 }),
    ] as const,
  ] as const
  it.each(attacks)('is refused with %s, by one text outside and its reason in the audit log', async (_name, attack) => {
    const from = headers()
    const answer = await exchange(await attack(target), from)
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
    expect(answer.json.error_description).toBe(
      'The OIDC token is not taken here. Sign in again; if that does not help, ask the operator, whose audit log says why.',
    )
    const events: AuditEvent[] = (await server.request('GET', '/v1/audit?action=token.refused&limit=5')).json.items
    const event = events.find(({ address }) => address === from['x-forwarded-for'])
    expect(event?.detail.reason).toMatch(/^OIDC token: .{3,}/)
  })

  it.each([
    ['an ID token', {}, {}],
    ['an ID token with a nonce', { scope: 'openid', nonce: 'n' }, {}],
    ['an ID token by Keycloak’s word', { typ: 'ID' }, {}],
  ])('is refused as an access token when it is %s', async (_what, claims, header) => {
    expect((await exchange(await issuer.token(claims, header), headers(), 'access_token')).status).toBe(400)
  })

  it.each([
    ['RFC 9068', { client_id: 'spa' }, { typ: 'at+jwt' }],
    ['Keycloak', { typ: 'Bearer', azp: 'spa' }, {}],
    ['Auth0', { scope: 'openid profile', aud: ['client-1', 'https://tenant.example/userinfo'], azp: 'spa' }, {}],
  ])('is taken as an access token of the form of %s', async (_what, claims, header) => {
    expect((await exchange(await issuer.token(claims, header), headers(), 'access_token')).status).toBe(200)
  })
})

const headerOf = ({ good }: Target) => JSON.parse(Buffer.from(good.split('.')[0] as string, 'base64url').toString())
const claimsOf = ({ good }: Target) => JSON.parse(Buffer.from(good.split('.')[1] as string, 'base64url').toString())
