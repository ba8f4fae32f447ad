import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Notice } from '../../client/call.ts'
import { parseRetryAfter, pauseBefore } from '../../client/retry.ts'
import { clientFor, fastClock, problem, runOf, scriptedServer } from './scripted-server.ts'

const me = { json: { user: {} } }

describe('pauses', () => {
  it('grow exponentially with full jitter up to five seconds', () => {
    expect([0, 1, 2, 3, 10, 1000].map((tries) => pauseBefore(tries, 0.999))).toEqual(
      [250, 500, 1000, 2000, 5000, 5000].map((ms) => ms * 0.999),
    )
    expect(pauseBefore(5, 0)).toBe(0)
  })

  it('are what the server asks for, bounded and spread', () => {
    expect(pauseBefore(0, 0.5, 3000)).toBe(3500)
    expect(pauseBefore(0, 0, 86_400_000)).toBe(120_000)
  })

  it.each([
    [undefined, undefined],
    ['7', 7000],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
  ])('read Retry-After %j as %j', (header, ms) => {
    expect(parseRetryAfter(header, 1000)).toBe(ms)
  })
})

describe('retries', () => {
  it.each([
    ['429 with Retry-After', problem(429, 'rate_limited', { headers: { 'retry-after': '1' } })],
    ['502 of a proxy', { status: 502, text: '<html>' }],
    ['503', problem(503, 'unavailable')],
    ['504 of a proxy', { status: 504, text: '' }],
    ['a reset connection', { reset: true }],
    [
      'an answer that breaks off',
      {
        raw: (response: import('node:http').ServerResponse) => {
          response.writeHead(200, { 'content-length': '100' }).write('{"user"')
          setTimeout(() => response.destroy(), 20)
        },
      },
    ],
  ])('ride out %s', async (_, answer) => {
    const notices: Notice[] = []
    await using server = await scriptedServer({ 'GET /v1/me': (_request, nth) => (nth < 4 ? answer : me) })
    await clientFor(server.url, { onNotice: (notice) => notices.push(notice) }).me()
    expect(server.of('GET /v1/me')).toHaveLength(4)
    expect(notices[0]).toMatchObject({ kind: 'retry', message: expect.stringMatching(/./) })
  })

  it('tell of an outage at once, and then twice a minute', async () => {
    const notices: Notice[] = []
    await using server = await scriptedServer({ 'GET /v1/me': problem(503, 'unavailable') })
    const onNotice = (notice: Notice) => notices.push(notice)
    await clientFor(server.url, { onNotice })
      .me({ patienceMs: 50_000 })
      .catch(() => {})
    expect(server.of('GET /v1/me').length).toBeGreaterThan(5)
    expect(notices).toHaveLength(2)
  })

  it.each([
    [400, 'invalid_request'],
    [403, 'insufficient_scope'],
    [404, 'not_found'],
    [422, 'not_supported'],
    [500, 'internal'],
    [507, 'disk_full'],
  ])('do not repeat %d %s, which would not change', async (status, code) => {
    await using server = await scriptedServer({ 'GET /v1/me': problem(status, code) })
    await expect(clientFor(server.url).me()).rejects.toMatchObject({ status, code, requestId: 'req-1' })
    expect(server.of('GET /v1/me')).toHaveLength(1)
  })

  it('of a trigger whose answer was lost carry the same Idempotency-Key', async () => {
    await using server = await scriptedServer({
      'POST /v1/runs': (_, nth) =>
        nth === 1 ? { reset: true } : { json: runOf(), status: 200, headers: { 'idempotent-replayed': 'true' } },
    })
    const { replayed } = await clientFor(server.url).runs.create({ suite: 'smoke' })
    const keys = server.of('POST /v1/runs').map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(replayed).toBe(true)
  })

  it('end at the limit of a call, with the last answer as the error', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': problem(503, 'unavailable') })
    await expect(clientFor(server.url).me({ patienceMs: 120_000 })).rejects.toMatchObject({ code: 'unavailable' })
    expect(server.of('GET /v1/me').length).toBeGreaterThan(1)
  })

  it('tell the last answer also when the last try is cut off without one', async () => {
    await using server = await scriptedServer({
      'GET /v1/me': (_, nth) => (nth === 1 ? problem(503, 'unavailable') : { raw: () => {} }),
    })
    const client = clientFor(server.url, { clock: fastClock(1) })
    await expect(client.me({ patienceMs: 2000 })).rejects.toMatchObject({ code: 'unavailable' })
    expect(server.of('GET /v1/me').length).toBeLessThan(3)
  })

  it('give up a server that never answered after 60 s, although the call would wait an hour', async () => {
    const port = await freePort()
    const started = performance.now()
    const error = await clientFor(`http://127.0.0.1:${port}`)
      .me({ patienceMs: 3_600_000 })
      .catch((thrown) => thrown)
    expect(error).toMatchObject({ name: 'UnreachableError' })
    expect(error.message).toMatch(new RegExp(`No answer from http://127.0.0.1:${port} for \\d+ s: `))
    // The clock of these tests is a hundred times as fast.
    expect(performance.now() - started).toBeGreaterThan(500)
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('do not take "bad gateway" for an answer of the server', async () => {
    await using server = await scriptedServer({
      '*': { raw: (response) => void response.writeHead(502).end('bad gateway') },
      'POST /oauth/token': { raw: (response) => void response.writeHead(502).end() },
    })
    const started = performance.now()
    await expect(clientFor(server.url).me({ patienceMs: 3_600_000 })).rejects.toMatchObject({ status: 502 })
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('stop at once when aborted', async () => {
    const abort = new AbortController()
    await using server = await scriptedServer({
      'GET /v1/me': problem(503, 'unavailable', { headers: { 'retry-after': '100' } }),
    })
    const call = clientFor(server.url, { onNotice: () => abort.abort(new Error('enough')) }).me({
      signal: abort.signal,
    })
    await expect(call).rejects.toThrow('enough')
  })
})

describe('answers that are none of Verdict', () => {
  it.each([
    [
      'a redirect to a login page',
      { status: 302, headers: { location: 'https://sso.example/login?token=s3cret' } },
      'redirect',
      'https://sso.example,',
    ],
    ['an HTML page', { status: 404, text: '<html>s3cret</html>' }, 'not_verdict', 'answered 404'],
    ['a success that is no JSON', { status: 200, text: '<html>s3cret</html>' }, 'not_verdict', 'is VERDICT_URL right'],
  ])('are named: %s', async (_, answer, code, message) => {
    await using server = await scriptedServer({ 'GET /v1/me': answer })
    const error = await clientFor(server.url)
      .me()
      .catch((thrown) => thrown)
    expect(error).toMatchObject({ name: 'ApiError', code })
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('s3cret')
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
