import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../contract/tokens.ts'
import { skipReason } from '../support/ci-tools.ts'
import { MovableClock } from '../support/clock.ts'
import { type Keycloak, type SignedIn, startKeycloak } from '../support/keycloak.ts'
import { startServer, type TestServer } from '../support/server.ts'

const skipped = skipReason(['kc.sh', 'keycloak'], 'java')
const PASSWORD = 'of the tests alone'
const CLIENT = { enabled: true, publicClient: true, directAccessGrantsEnabled: true, standardFlowEnabled: false }
/** Access tokens of the app are for Verdict, too; those of the other client are not. */
const AUDIENCE = {
  ...{ name: 'verdict', protocol: 'openid-connect', protocolMapper: 'oidc-audience-mapper' },
  config: { 'included.custom.audience': 'verdict', 'access.token.claim': 'true', 'id.token.claim': 'false' },
}
const person = (username: string) => ({
  ...{
    username,
    enabled: true,
    email: `${username}@example.com`,
    emailVerified: true,
    firstName: 'Ann',
    lastName: 'Lee',
  },
  credentials: [{ type: 'password', value: PASSWORD }],
})
const REALM = {
  ...{ realm: 'shop', enabled: true, accessTokenLifespan: 3600 },
  users: [person('ann'), person('bo')],
  clients: [
    { clientId: 'app', ...CLIENT, protocolMappers: [AUDIENCE] },
    { clientId: 'other', ...CLIENT },
  ],
}
const MINUTE = 60_000

describe.skipIf(skipped)(`tokens of a real Keycloak${skipped}`, { timeout: 60_000 }, () => {
  // Ahead of Keycloak's clock, which goes on, so that none of its tokens is of a time to come; they live for an hour.
  const clock = new MovableClock(Date.now() + 10 * MINUTE)
  let keycloak: Keycloak
  let server: TestServer
  let ann: SignedIn
  beforeAll(async () => {
    keycloak = await startKeycloak(REALM)
    console.info(`Keycloak was up after ${(keycloak.startedInMs / 1000).toFixed(1)} s`)
    const env = {
      VERDICT_RUNNER: 'none',
      VERDICT_OIDC_ISSUER: keycloak.issuer,
      VERDICT_OIDC_ACCEPTED_AUDIENCES: 'app,verdict',
      VERDICT_OIDC_CREATE_USERS: '1',
    }
    server = await startServer({ clock, env })
    ann = await keycloak.signIn('app', 'ann', PASSWORD)
  }, 300_000)
  afterAll(async () => {
    await server?.stop()
    await keycloak?.stop()
  }, 60_000)

  const exchange = (subject_token: string, subject_token_type = ID_TOKEN_TYPE) => {
    clock.advance(1000)
    return server.exchange({ grant_type: TOKEN_EXCHANGE_GRANT, subject_token_type, subject_token })
  }
  const lastReason = async (): Promise<string> =>
    (await server.request('GET', '/v1/audit?action=token.refused&limit=1')).json.items[0]?.detail.reason

  it.each<[string, string, keyof SignedIn, string]>([
    ['an ID token', ID_TOKEN_TYPE, 'id_token', 'oidc:app'],
    ['an access token with our audience', ACCESS_TOKEN_TYPE, 'access_token', 'oidc:app'],
  ])('%s is exchanged for one that manages the person’s keys', async (_, type, which, client) => {
    const answer = await exchange(ann[which], type)
    expect(answer.status, answer.text).toBe(200)
    const token = answer.json.access_token
    expect(decodeJwt(token)).toMatchObject({ client_id: client, scope: 'keys:read keys:write' })
    const { user } = (await server.request('GET', '/v1/me', { token })).json
    expect(user).toMatchObject({ name: 'Ann Lee', email: 'ann@example.com' })
    const known = await server.request('GET', `/v1/users/${user.id}`)
    expect(known.json.externalId).toBe(decodeJwt(ann.id_token).sub)
    const made = await server.request('POST', '/v1/keys', { token, json: { name: 'ci', scopes: ['runs:read'] } })
    expect(made.status, made.text).toBe(201)
    expect((await server.request('GET', '/v1/runs', { token })).status).toBe(403)
  })

  it.each<[string, string, () => Promise<string>, RegExp]>([
    [
      'an ID token of another client',
      ID_TOKEN_TYPE,
      async () => (await keycloak.signIn('other', 'ann', PASSWORD)).id_token,
      /"aud"/,
    ],
    [
      'an access token without our audience',
      ACCESS_TOKEN_TYPE,
      async () => (await keycloak.signIn('other', 'ann', PASSWORD)).access_token,
      /"aud"/,
    ],
    ['an access token called an ID token', ID_TOKEN_TYPE, async () => ann.access_token, /no ID token/],
    ['an ID token called an access token', ACCESS_TOKEN_TYPE, async () => ann.id_token, /no access token/],
    ['a refresh token', ACCESS_TOKEN_TYPE, async () => ann.refresh_token, /"alg"/],
    ['a token without its signature', ID_TOKEN_TYPE, async () => ann.id_token.replace(/[^.]+$/, ''), /./],
    [
      'a token with the signature of another',
      ID_TOKEN_TYPE,
      async () => ann.id_token.replace(/[^.]+$/, ann.access_token.split('.')[2]!),
      /signature/,
    ],
  ])('%s is refused, with the reason in the audit log alone', async (_, type, token, reason) => {
    const answer = await exchange(await token(), type)
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
    expect(answer.json.error_description).toMatch(/^The OIDC token is not taken here/)
    expect(await lastReason()).toMatch(reason)
  })

  it('of a user who is disabled here are refused', async () => {
    const { id_token } = await keycloak.signIn('app', 'bo', PASSWORD)
    const { access_token: token } = (await exchange(id_token)).json
    const { id } = (await server.request('GET', '/v1/me', { token })).json.user
    await server.request('PATCH', `/v1/users/${id}`, { json: { disabled: true } })
    expect((await exchange(id_token)).status).toBe(400)
    expect(await lastReason()).toMatch(/its user is disabled/)
  })

  it('are taken by a new key of the realm, and by an old one until the realm has taken it back', async () => {
    const realm = await keycloak.admin('GET', '')
    const old = (await keycloak.admin('GET', '/keys')).keys.find(
      (key: { kid: string }) => key.kid === decodeProtectedHeader(ann.id_token).kid,
    )
    const config = { priority: ['1000'], enabled: ['true'], active: ['true'], algorithm: ['RS256'] }
    const kind = { providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider', parentId: realm.id }
    await keycloak.admin('POST', '/components', { name: 'rotated', ...kind, config })
    const fresh = await keycloak.signIn('app', 'ann', PASSWORD)
    expect(decodeProtectedHeader(fresh.id_token).kid).not.toBe(old.kid)

    // Keys that are unknown are asked for at most every half minute.
    clock.advance(MINUTE)
    expect((await exchange(fresh.id_token)).status).toBe(200)
    expect((await exchange(ann.id_token)).status).toBe(200)

    await keycloak.admin('DELETE', `/components/${old.providerId}`)
    // What is known of the issuer is good for ten minutes.
    clock.advance(11 * MINUTE)
    expect((await exchange(fresh.id_token)).status).toBe(200)
    expect((await exchange(ann.id_token)).status).toBe(400)
    expect(await lastReason()).toMatch(/no applicable key/)
  })

  it('that have expired are refused', async () => {
    const { id_token } = await keycloak.signIn('app', 'ann', PASSWORD)
    clock.advance(60 * MINUTE)
    expect((await exchange(id_token)).status).toBe(400)
    expect(await lastReason()).toMatch(/expired|"exp"/)
  })
})
