import { type ChildProcess, spawn } from 'node:child_process'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../docs/markdown-files.ts'
import { type RealIssuer, startOidcProvider } from '../support/oidc-provider.ts'
import { exchangeForm, freePort, startServer, type TestServer } from '../support/server.ts'

const AUDIENCE = 'https://product.example/api'

describe('examples/embedding with the real oidc-provider', () => {
  let issuer: RealIssuer
  let server: TestServer
  let service: { url: string; process: ChildProcess }
  beforeAll(async () => {
    issuer = await startOidcProvider()
    server = await startServer({
      env: {
        VERDICT_RUNNER: 'none',
        VERDICT_OIDC_ISSUER: issuer.url,
        VERDICT_OIDC_ACCEPTED_AUDIENCES: 'product',
        VERDICT_AUDIENCES: JSON.stringify({ [AUDIENCE]: ['orders:read'] }),
      },
    })
    const own = await server.request('POST', '/v1/keys', { json: { name: 'product', scopes: ['users:write'] } })
    const port = await freePort()
    const child = spawn(process.execPath, [`${root}examples/embedding/service.js`], {
      env: { ...process.env, VERDICT_URL: server.url, VERDICT_API_KEY: own.json.key, AUDIENCE, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    service = { url: `http://127.0.0.1:${port}`, process: child }
  })
  afterAll(async () => {
    service?.process.kill()
    await server?.stop()
    await issuer?.close()
  })
  const ask = async (method: string, path: string, bearer = '', json?: object) => {
    const response = await fetch(service.url + path, {
      method,
      headers: { authorization: `Bearer ${bearer}` },
      ...(json && { body: JSON.stringify(json) }),
    })
    return { status: response.status, json: await response.json() }
  }

  it('gives its users keys, opens its API to them, and takes them back', async () => {
    const idToken = await issuer.signIn('alice')
    // Nobody lets in a person that the product has not made.
    expect((await ask('POST', '/keys', idToken, { name: 'ci' })).status).toBe(401)
    for (let hook = 0; hook < 2; hook++) {
      const hooked = await ask('POST', '/hooks/sign-up', '', { id: 'alice', name: 'Alice', plan: 'pro' })
      expect([hooked.status, hooked.json.user]).toEqual([200, expect.stringMatching(/^usr_/)])
    }
    const made = await ask('POST', '/keys', idToken, { name: 'ci' })
    expect([made.status, made.json.key]).toEqual([200, expect.stringMatching(/^vdt_/)])

    const exchanged = await server.exchange(exchangeForm(made.json.key, { audience: AUDIENCE }))
    const orders = await ask('GET', '/orders', exchanged.json.access_token)
    expect(orders).toEqual({ status: 200, json: { ordersOf: 'alice', plan: 'pro', may: 'orders:read' } })
    expect((await ask('GET', '/orders', await server.token())).status).toBe(401)

    expect((await ask('POST', '/hooks/closed', '', { id: 'alice' })).status).toBe(200)
    expect((await server.exchange(exchangeForm(made.json.key, { audience: AUDIENCE }))).status).toBe(400)
    expect((await ask('POST', '/keys', await issuer.signIn('alice'), { name: 'x' })).status).toBe(401)
  })

  it('and openid-client, which nobody here wrote, does the flows of the server too', async () => {
    const config = await client.discovery(new URL(server.url), 'any', undefined, client.None(), {
      algorithm: 'oauth2',
      execute: [client.allowInsecureRequests],
    })
    const { token_endpoint: endpoint } = config.serverMetadata()
    expect(endpoint).toBe(`${server.url}/oauth/token`)
    const own = await server.request('POST', '/v1/keys', { json: { name: 'x', scopes: ['users:write', 'runs:read'] } })
    const form = exchangeForm(own.json.key)
    const { grant_type: grant = '', ...parameters } = form
    const granted = await client.genericGrantRequest(config, grant, parameters)
    expect(granted).toMatchObject({ token_type: 'bearer', scope: 'users:write runs:read' })
    expect((await server.request('GET', '/v1/me', { token: granted.access_token })).status).toBe(200)
    const asCaller = await client.discovery(new URL(server.url), 'any', undefined, bearer(granted.access_token), {
      algorithm: 'oauth2',
      execute: [client.allowInsecureRequests],
    })
    expect(await client.tokenIntrospection(asCaller, own.json.key)).toMatchObject({
      active: true,
      client_id: own.json.id,
    })
    expect(await client.tokenIntrospection(asCaller, 'x')).toEqual({ active: false })
    await client.tokenRevocation(config, granted.access_token)
    expect((await server.request('GET', '/v1/me', { token: granted.access_token })).status).toBe(401)
    await expect(
      client.genericGrantRequest(config, grant, { ...parameters, subject_token: 'x' }),
    ).rejects.toMatchObject({
      error: 'invalid_request',
    })
  })
})

/** How the caller of introspection shows itself: RFC 7662 2.1, a bearer token. */
const bearer = (token: string) => (_as: unknown, _client: unknown, _body: URLSearchParams, headers: Headers) =>
  headers.set('authorization', `Bearer ${token}`)
