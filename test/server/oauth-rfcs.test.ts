import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, exchangeForm, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
const answers: Record<string, Answer> = {}
const form = (path: string, fields: Record<string, string> | string, token: string | null = null) =>
  server.request('POST', path, {
    token,
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })

beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none' } })
  const own = await server.token()
  answers.token = await server.exchange(exchangeForm(server.key))
  answers.narrowed = await server.exchange(exchangeForm(server.key, { scope: 'runs:read' }))
  answers.badKey = await server.exchange(exchangeForm('x'))
  answers.badScope = await server.exchange(exchangeForm(server.key, { scope: 'no:scope' }))
  answers.badTarget = await server.exchange(exchangeForm(server.key, { audience: 'https://api.example' }))
  answers.badGrant = await server.exchange({ ...exchangeForm(server.key), grant_type: 'password' })
  answers.twice = await server.exchange(`${new URLSearchParams(exchangeForm(server.key))}&scope=a&scope=b`)
  answers.unknownParameter = await server.exchange(exchangeForm(server.key, { something_new: '1' }))
  answers.emptyParameter = await server.exchange(exchangeForm(server.key, { scope: '' }))
  answers.revokedUnknown = await form('/oauth/revoke', { token: 'nobody-knows' })
  answers.revokedHint = await form('/oauth/revoke', { token: 'nobody-knows', token_type_hint: 'something' })
  answers.revokeNothing = await form('/oauth/revoke', {})
  answers.active = await form('/oauth/introspect', { token: own }, own)
  answers.inactive = await form('/oauth/introspect', { token: 'nobody-knows' }, own)
  answers.introspectAlone = await form('/oauth/introspect', { token: own })
  answers.introspectWeak = await form('/oauth/introspect', { token: own }, await server.token('runs:read'))
  answers.metadata = await server.request('GET', '/.well-known/oauth-authorization-server', { token: null })
  answers.jwks = await server.request('GET', '/.well-known/jwks.json', { token: null })
})
afterAll(() => server?.stop())

const status =
  (...wanted: number[]) =>
  ({ status }: Answer) =>
    expect(wanted).toContain(status)
const error =
  (code: string) =>
  ({ json }: Answer) =>
    expect(json.error).toBe(code)
const header =
  (name: string, value: string | RegExp) =>
  ({ headers }: Answer) =>
    expect(headers.get(name)).toMatch(value)
const visible = ({ json }: Answer) => expect(json.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
const has =
  (...fields: string[]) =>
  ({ json }: Answer) =>
    expect(Object.keys(json)).toEqual(expect.arrayContaining(fields))

/** The section that says it, which answers it is said of, and what it asks for. */
const MUSTS: readonly [string, readonly string[], (answer: Answer) => void][] = [
  ['RFC 6749 5.1: a token answer is 200', ['token', 'narrowed', 'unknownParameter', 'emptyParameter'], status(200)],
  ['RFC 6749 5.1: and JSON', ['token'], header('content-type', /^application\/json/)],
  [
    'RFC 6749 5.1: never cached',
    ['token', 'badKey', 'active', 'inactive', 'revokedUnknown'],
    header('cache-control', 'no-store'),
  ],
  ['RFC 6749 5.1: also not by HTTP 1.0', ['token', 'badKey'], header('pragma', 'no-cache')],
  [
    'RFC 6749 5.2: an error is 400',
    ['badKey', 'badScope', 'badTarget', 'badGrant', 'twice', 'revokeNothing'],
    status(400),
  ],
  ['RFC 6749 5.2: with a code, and JSON', ['badKey', 'badScope', 'badTarget', 'badGrant', 'twice'], has('error')],
  [
    'RFC 6749 5.2: error_description has no quote and no backslash',
    ['badScope', 'badTarget', 'badGrant', 'twice', 'badKey', 'revokeNothing'],
    visible,
  ],
  ['RFC 6749 5.2: unsupported_grant_type', ['badGrant'], error('unsupported_grant_type')],
  ['RFC 6749 5.2: invalid_scope', ['badScope'], error('invalid_scope')],
  ['RFC 6749 3.2: no parameter twice', ['twice'], error('invalid_request')],
  ['RFC 6749 3.2: unknown parameters are ignored', ['unknownParameter'], status(200)],
  [
    'RFC 6749 3.2: one without a value is as if left out',
    ['emptyParameter'],
    ({ json }) => expect(json.scope).toBe(answers.token!.json.scope),
  ],
  ['RFC 6749 3.3: a narrower scope is said', ['narrowed'], ({ json }) => expect(json.scope).toBe('runs:read')],
  [
    'RFC 8693 2.2.1: access_token, issued_token_type, token_type',
    ['token'],
    has('access_token', 'issued_token_type', 'token_type'),
  ],
  ['RFC 8693 2.2.2: a bad subject_token is invalid_request', ['badKey'], error('invalid_request')],
  ['RFC 8693 2.2.2: a target that is not served is invalid_target', ['badTarget'], error('invalid_target')],
  ['RFC 7009 2.2: an unknown token is 200', ['revokedUnknown'], status(200)],
  ['RFC 7009 2.1: an unknown hint is no error', ['revokedHint'], status(200)],
  ['RFC 7662 2.2: active, and JSON', ['active', 'inactive'], has('active')],
  [
    'RFC 7662 2.2: an inactive one is told nothing of',
    ['inactive'],
    ({ json }) => expect(json).toEqual({ active: false }),
  ],
  ['RFC 7662 2.1: the caller shows itself', ['introspectAlone'], status(401)],
  ['RFC 7662 2.3: by the words of RFC 6750', ['introspectAlone'], header('www-authenticate', /^Bearer /)],
  ['RFC 6750 3.1: without the scope 403', ['introspectWeak'], status(403)],
  ['RFC 6750 3.1: insufficient_scope', ['introspectWeak'], header('www-authenticate', /error="insufficient_scope"/)],
  [
    'RFC 8414 2: issuer, response_types_supported',
    ['metadata'],
    has('issuer', 'response_types_supported', 'token_endpoint', 'jwks_uri'),
  ],
  ['RFC 8414 3.3: the issuer is the address', ['metadata'], ({ json }) => expect(json.issuer).toBe(server.url)],
  [
    'RFC 7517 4.1, 4.5: kty and kid',
    ['jwks'],
    ({ json }) => {
      for (const key of json.keys) expect(Object.keys(key)).toEqual(expect.arrayContaining(['kty', 'kid']))
    },
  ],
  [
    'RFC 9068 4: verified by typ, iss, aud, exp',
    ['jwks'],
    ({ json }) => {
      for (const { d } of json.keys) expect(d).toBeUndefined()
    },
  ],
]

describe('the MUSTs of the RFCs', () => {
  it.each(MUSTS)('%s', (_what, of, check) => {
    for (const name of of) check(answers[name]!)
  })
})
