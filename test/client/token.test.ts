import { describe, expect, it } from 'vitest'
import type { Notice } from '../../client/call.ts'
import { checkedKey, KeyError } from '../../client/token.ts'
import { clientFor, fastClock, KEY, problem, scriptedServer, tokenAnswer } from './scripted-server.ts'

const me = { json: { user: {} } }

describe('the form of a key', () => {
  it('takes a key with white space around it, as secrets are often pasted', () => {
    expect(checkedKey(` ${KEY}\n`)).toBe(KEY)
  })

  it.each([
    ['', 'No API key: set VERDICT_API_KEY'],
    [`"${KEY}"`, 'it stands in quotes'],
    [`${KEY}\n${KEY}`, 'spaces or line ends'],
    ['eyJhbGciOiJFUzI1NiJ9.e30.x', 'it is a token'],
    ['ghp_0123456789', 'does not begin with vdt_'],
    [KEY.slice(0, 39), 'it has 39 characters instead of 40'],
    [`${KEY.slice(0, 10)}${KEY[10] === 'a' ? 'b' : 'a'}${KEY.slice(11)}`, 'its checksum is wrong'],
  ])('refuses %j and says why, without the key', (text, message) => {
    expect(() => checkedKey(text)).toThrow(KeyError)
    expect(() => checkedKey(text)).toThrow(message)
    if (text !== '') expect(() => checkedKey(text)).not.toThrow(text)
  })
})

describe('the exchange of the key for a token', () => {
  it('sends the RFC 8693 form once for many calls at once, and the key nowhere else', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': me })
    const client = clientFor(server.url)
    await Promise.all([client.me(), client.me(), client.me()])
    const exchanges = server.of('POST /oauth/token')
    expect(exchanges).toHaveLength(1)
    expect(Object.fromEntries(new URLSearchParams(exchanges[0]!.body.toString()))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: KEY,
      subject_token_type: 'urn:verdict:params:oauth:token-type:api-key',
    })
    const calls = server.of('GET /v1/me')
    expect(calls.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer token-1'))
    expect(JSON.stringify(calls.map(({ headers }) => headers))).not.toContain(KEY)
  })

  it('tells of every token before it is used, so that it can be masked', async () => {
    const tokens: string[] = []
    await using server = await scriptedServer({
      'GET /v1/me': () => (tokens.length === 1 ? me : problem(401, 'unauthorized')),
    })
    await clientFor(server.url, { onToken: (token) => tokens.push(token) }).me()
    expect(tokens).toEqual(['token-1'])
  })

  it('renews the token when most of its life is over, before the server refuses it', async () => {
    await using server = await scriptedServer({
      'POST /oauth/token': (_, nth) => ({ json: tokenAnswer(`token-${nth}`, 100) }),
      'GET /v1/me': me,
    })
    let time = 0
    const client = clientFor(server.url, { clock: { ...fastClock(), monotonic: () => time } })
    for (const at of [0, 79_000, 81_000]) {
      time = at
      await client.me()
    }
    expect(server.of('GET /v1/me').map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ])
  })

  it('goes on with the old token while the token endpoint is away and the token still lives', async () => {
    await using server = await scriptedServer({
      'POST /oauth/token': (_, nth) =>
        nth === 1 ? { json: tokenAnswer('token-1', 100) } : problem(503, 'unavailable'),
      'GET /v1/me': me,
    })
    let time = 0
    const client = clientFor(server.url, { clock: { ...fastClock(), monotonic: () => time } })
    await client.me()
    time = 90_000
    await client.me()
    expect(server.of('GET /v1/me')).toHaveLength(2)
  })

  it('renews once and repeats when the server says invalid_token', async () => {
    await using server = await scriptedServer({
      'GET /v1/me': (_, nth) => (nth === 1 ? problem(401, 'invalid_token') : me),
    })
    await clientFor(server.url).me()
    expect(server.of('GET /v1/me').map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ])
  })

  it('gives up when the new token is refused as well', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': problem(401, 'invalid_token') })
    await expect(clientFor(server.url).me()).rejects.toMatchObject({ code: 'invalid_token', status: 401 })
    expect(server.of('GET /v1/me')).toHaveLength(2)
  })

  it("passes the server's words on when the key is revoked", async () => {
    const error_description = 'The key "ci" was revoked on 2026-11-01: make a new one'
    await using server = await scriptedServer({
      'POST /oauth/token': { status: 400, json: { error: 'invalid_request', error_description } },
    })
    const refused = clientFor(server.url).me()
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_request',
      during: 'exchange',
      message: error_description,
    })
    expect(server.of('POST /oauth/token')).toHaveLength(1)
  })

  it.each([
    [13, 1],
    [15, 0],
  ])('of a key that expires in %d days it warns %d times', async (days, times) => {
    const at = new Date(Date.now() + days * 86_400_000).toISOString()
    const notices: Notice[] = []
    await using server = await scriptedServer({
      'POST /oauth/token': (_, nth) => ({ json: tokenAnswer(`token-${nth}`, 900, at) }),
      'GET /v1/me': (_, nth) => (nth === 1 ? problem(401, 'invalid_token') : me),
    })
    await clientFor(server.url, { onNotice: (notice) => notices.push(notice) }).me()
    expect(notices.filter(({ kind }) => kind === 'key_expires')).toHaveLength(times)
    expect(server.of('POST /oauth/token')).toHaveLength(2)
  })
})
