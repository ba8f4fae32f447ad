import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ERRORS } from '../../contract/errors.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_CORS_ORIGINS: 'https://app.example' } })
})
afterAll(() => server?.stop())

const json = { 'content-type': 'application/json' }

/** What comes in wrong before any use case sees it. */
const WRONG: [string, string, string, { headers?: Record<string, string>; body?: string }, number, string][] = [
  ['an address that is not there', 'GET', '/v1/nothing', {}, 404, 'not_found'],
  ['a page that is not there', 'GET', '/favicon.ico', {}, 404, 'not_found'],
  ['a method that the address does not take', 'PATCH', '/v1/runs/x', {}, 405, 'method_not_allowed'],
  ['an address that cannot be decoded', 'GET', '/v1/runs/%zz', {}, 400, 'invalid_request'],
  ['a name that is too long for an address', 'GET', `/v1/runs/${'x'.repeat(3000)}`, {}, 404, 'not_found'],
  ['JSON that is cut off', 'POST', '/v1/runs', { headers: json, body: '{"suite":' }, 400, 'invalid_json'],
  ['an empty body', 'POST', '/v1/runs', { headers: json, body: '' }, 400, 'invalid_json'],
  ['no body', 'POST', '/v1/runs', {}, 400, 'invalid_request'],
  ['a list instead of an object', 'POST', '/v1/runs', { headers: json, body: '[]' }, 400, 'invalid_request'],
  ['a prototype', 'POST', '/v1/runs', { headers: json, body: '{"suite":"x","__proto__":{}}' }, 400, 'invalid_json'],
  [
    'another content type',
    'POST',
    '/v1/runs',
    { headers: { 'content-type': 'text/xml' }, body: '<a/>' },
    415,
    'unsupported_media_type',
  ],
  [
    'a form',
    'POST',
    '/v1/runs',
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=b' },
    415,
    'unsupported_media_type',
  ],
  [
    'a body over the limit',
    'POST',
    '/v1/runs',
    { headers: json, body: `{"suite":"${'x'.repeat(1_100_000)}"}` },
    413,
    'too_large',
  ],
  [
    'an unknown field',
    'POST',
    '/v1/runs',
    { headers: json, body: '{"suite":"x","colour":"red"}' },
    400,
    'invalid_request',
  ],
  ['a wrong type', 'POST', '/v1/runs', { headers: json, body: '{"suite":7}' }, 400, 'invalid_request'],
  ['an unknown filter', 'GET', '/v1/runs?colour=red', {}, 400, 'invalid_request'],
  ['a filter that is given twice', 'GET', '/v1/runs?suite=a&suite=b', {}, 400, 'invalid_request'],
]

describe('an error', () => {
  it.each(WRONG)('for %s is a problem of the closed table', async (_what, method, path, options, status, code) => {
    const answer = await server.request(method, path, options)
    expect([answer.status, answer.json?.code]).toEqual([status, code])
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    const known = ERRORS[code as keyof typeof ERRORS]
    expect(answer.json).toMatchObject({ title: known.title, status: known.status, detail: expect.any(String) })
    expect(answer.json.type).toContain(code)
    expect(answer.json.requestId).toBe(answer.headers.get('request-id'))
    expect(answer.json.detail.length).toBeLessThan(1000)
  })

  it('names the field, wherever it is', async () => {
    const send = (body: object) => server.request('POST', '/v1/runs', { json: body })
    const unknown = await send({ suite: 'x', definition: { run: 'true', colour: 'red' } })
    expect(unknown.json.detail).toContain('unknown field "colour"')
    expect(unknown.json.errors).toContainEqual({ path: '/definition', message: 'unknown field "colour"' })
    const missing = await send({ definition: {} })
    expect(missing.json.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: '/suite' }),
        expect.objectContaining({ path: '/definition/run' }),
      ]),
    )
    const deep = await send({ suite: 'x', variables: { OK: 1 } })
    expect(deep.json.errors[0].path).toBe('/variables/OK')
  })

  it('tells of a wrong method which are right', async () => {
    const answer = await server.request('PATCH', '/v1/runs')
    expect(answer.headers.get('allow')).toMatch(/GET/)
    expect(answer.headers.get('allow')).toMatch(/POST/)
  })
})

describe('every answer', () => {
  const paths = ['/livez', '/v1/me', '/v1/nothing', '/v1/runs/%zz', '/openapi.json', '/docs', '/.well-known/jwks.json']

  it.each(paths)('of %s says version and request, and is not framed', async (path) => {
    const [one, two] = [await server.request('GET', path), await server.request('GET', path)]
    for (const { headers } of [one, two]) expect(headers.get('verdict-version')).toBe('0.0.0-test')
    expect(one.headers.get('request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(one.headers.get('request-id')).not.toBe(two.headers.get('request-id'))
  })

  it('has a request id of the server’s own making', async () => {
    const answer = await server.request('GET', '/livez', { headers: { 'request-id': 'mine' } })
    expect(answer.headers.get('request-id')).not.toBe('mine')
  })
})

describe('bytes that are no request', () => {
  it.each([
    ['nonsense', 'hello\r\n\r\n', /not an HTTP/],
    [
      'a head that is too large',
      `GET /livez HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${'x'.repeat(20_000)}\r\n\r\n`,
      /16 kB/,
    ],
  ])('get a problem too: %s', async (_what, bytes, says) => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.write(bytes)
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/)
    expect(answer).toMatch(/\r\nverdict-version: 0.0.0-test\r\n/)
    const problem = JSON.parse(answer.split('\r\n\r\n')[1] as string)
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request', detail: expect.stringMatching(says) })
    expect(answer).toContain(`request-id: ${problem.requestId}`)
  })
})

describe('pages of other origins', () => {
  it('that are configured may call', async () => {
    const preflight = await server.request('OPTIONS', '/v1/runs', {
      token: null,
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PUT')
    const answer = await server.request('GET', '/v1/me', { headers: { origin: 'https://app.example' } })
    expect(answer.headers.get('access-control-expose-headers')).toContain('ETag')
  })

  it('that are not may not', async () => {
    const answer = await server.request('GET', '/v1/me', { headers: { origin: 'https://evil.example' } })
    expect(answer.headers.get('access-control-allow-origin')).not.toBe('https://evil.example')
    const closed = await startServer({ env: { VERDICT_RUNNER: 'none' } })
    const none = await closed.request('GET', '/v1/me', { headers: { origin: 'https://app.example' } })
    expect(none.headers.get('access-control-allow-origin')).toBeNull()
    await closed.stop()
  })
})
