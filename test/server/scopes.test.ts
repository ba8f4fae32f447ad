import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROLE_SCOPES, SCOPES } from '../../contract/scopes.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey, type Person } from './people.ts'
import { NEEDS, PUBLIC } from './route-access.ts'

let server: TestServer
let person: Person
let stranger: Person
let workerKey: string
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none' } })
  person = await newPerson(server)
  stranger = await newPerson(server)
  workerKey = (await server.request('POST', '/v1/workers', { json: { name: 'x' } })).json.key
})
afterAll(() => server?.stop())

const filled = (route: string) => {
  const [method, template] = route.split(' ') as [string, string]
  return { method, path: template.replace(/\{[^}]+\}/g, 'x') }
}

describe('routes', () => {
  it('are all in the table of scopes, and the document says the same of them', async () => {
    const { json } = await server.request('GET', '/openapi.json', { token: null })
    const documented = Object.entries(json.paths as Record<string, Record<string, { security: object[] }>>).flatMap(
      ([path, operations]) =>
        Object.entries(operations).map(([method, { security }]) => ({
          route: `${method.toUpperCase()} ${path}`,
          security,
        })),
    )
    expect(documented.map(({ route }) => route).sort()).toEqual([...Object.keys(NEEDS), ...PUBLIC].sort())
    for (const { route, security } of documented) {
      expect([route, security]).toEqual([route, NEEDS[route] ? [{ token: NEEDS[route] }] : []])
    }
  })

  it.each(Object.keys(NEEDS))('%s wants a token', async (route) => {
    const { method, path } = filled(route)
    const answer = await server.request(method, path, { token: null })
    expect(answer.status).toBe(401)
    // Below /oauth the words are those of RFC 6750.
    if (method !== 'HEAD') expect(['unauthorized', 'invalid_token']).toContain(answer.json.code ?? answer.json.error)
  })

  it.each(Object.entries(NEEDS).filter(([, scopes]) => scopes.length > 0))(
    '%s wants one of %s',
    async (route, scopes) => {
      const others = SCOPES.filter((scope) => scope !== 'work' && !scopes.includes(scope)).join(' ')
      const { method, path } = filled(route)
      const refused = await server.request(method, path, { token: await server.token(others) })
      expect(refused.status).toBe(403)
      expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
      if (method === 'HEAD') return
      expect(refused.json.code ?? refused.json.error).toBe('insufficient_scope')
      expect(refused.json.detail ?? refused.json.error_description).toContain(scopes.join(' or '))
      for (const scope of scopes) {
        const token = await (scope === 'work' ? server.token(undefined, workerKey) : server.token(scope))
        const taken = await server.request(method, path, { token })
        expect([scope, taken.status === 401, (taken.json?.code ?? taken.json?.error) === 'insufficient_scope']).toEqual(
          [scope, false, false],
        )
      }
    },
  )

  it.each(PUBLIC.filter((route) => route.startsWith('GET')))('%s wants no token', async (route) => {
    const { method, path } = filled(route)
    expect([200, 404]).toContain((await server.request(method, path, { token: null })).status)
  })
})

describe('what belongs to another workspace', () => {
  const paths: [string, (run: string) => string][] = [
    ['GET', (run) => `/v1/runs/${run}`],
    ['POST', (run) => `/v1/runs/${run}/cancel`],
    ['POST', (run) => `/v1/runs/${run}/rerun`],
    ['GET', (run) => `/v1/runs/${run}/cases`],
    ['GET', (run) => `/v1/runs/${run}/log`],
    ['GET', (run) => `/v1/runs/${run}/events`],
    ['GET', (run) => `/v1/runs/${run}/junit`],
    ['GET', (run) => `/v1/runs/${run}/artifacts`],
    ['GET', (run) => `/v1/runs/${run}/artifacts/x`],
    ['GET', () => '/v1/suites/theirs'],
    ['DELETE', () => '/v1/suites/theirs'],
    ['GET', () => '/v1/suites/theirs/revisions'],
    ['GET', () => '/v1/suites/theirs/secrets'],
    ['DELETE', () => '/v1/suites/theirs/secrets/X'],
    ['GET', () => `/v1/keys/${stranger.keyId}`],
    ['DELETE', () => `/v1/keys/${stranger.keyId}`],
  ]
  let run: string
  beforeAll(async () => {
    const definition = { run: 'true', secrets: ['X'] }
    await server.request('PUT', '/v1/suites/theirs', { token: stranger.token, json: { definition } })
    await server.request('PUT', '/v1/suites/theirs/secrets/X', { token: stranger.token, json: { value: 'v' } })
    run = (await server.request('POST', '/v1/runs', { token: stranger.token, json: { suite: 'theirs' } })).json.id
    expect(run).toMatch(/^run_/)
  })

  it.each(paths)('is 404 for %s %s, like what is not there', async (method, path) => {
    const answer = await server.request(method, path(run), { token: person.token })
    expect(answer.status).toBe(404)
    const unknown = path('run_01890000000000000000000000').replace('theirs', 'nothing').replace(stranger.keyId, 'key_x')
    const nothing = await server.request(method, unknown, { token: person.token })
    expect([nothing.status, nothing.json.code]).toEqual([404, answer.json.code])
  })

  it('is changed by nobody', async () => {
    const patched = await server.request('PATCH', `/v1/keys/${stranger.keyId}`, {
      token: person.token,
      json: { name: 'x' },
    })
    expect(patched.status).toBe(404)
    expect((await server.request('GET', `/v1/runs/${run}`, { token: stranger.token })).json.state).toBe('queued')
    expect((await server.exchange({})).status).toBe(400)
  })

  it('is not listed', async () => {
    for (const path of ['/v1/runs', '/v1/suites']) {
      expect((await server.request('GET', path, { token: person.token })).json.items).toEqual([])
    }
  })

  it.each(['run_', 'run_01890000000000000000000000', 'key_01890000000000000000000000', 'x', '%2e%2e%2f', 'RUN_X'])(
    'and a malformed id (%s) are alike',
    async (id) => {
      const answer = await server.request('GET', `/v1/runs/${id}`, { token: person.token })
      expect([answer.status, answer.json.code]).toEqual([404, 'not_found'])
    },
  )
})

describe('a key that is limited to some suites', () => {
  let limited: { token: string }
  let other: string
  beforeAll(async () => {
    for (const name of ['smoke', 'other']) {
      await server.request('PUT', `/v1/suites/${name}`, { token: person.token, json: { definition: { run: 'true' } } })
    }
    other = (await server.request('POST', '/v1/runs', { token: person.token, json: { suite: 'other' } })).json.id
    const scopes = ['runs:read', 'runs:write', 'suites:read', 'suites:write']
    limited = await ownKey(server, person, { suites: ['smoke'], scopes })
  })

  it('runs those', async () => {
    const answer = await server.request('POST', '/v1/runs', { token: limited.token, json: { suite: 'smoke' } })
    expect(answer.status).toBe(202)
  })

  it.each([
    ['a run', 'POST', '/v1/runs', { suite: 'other' }],
    ['a run with a definition', 'POST', '/v1/runs', { suite: 'other', definition: { run: 'true' } }],
    ['a push', 'PUT', '/v1/suites/other', { definition: { run: 'true' } }],
  ])('is refused %s of another', async (_what, method, path, json) => {
    const answer = await server.request(method, path, { token: limited.token, json })
    expect([answer.status, answer.json.code]).toEqual([403, 'suite_not_allowed'])
    expect(answer.json.detail).toContain('limited to smoke')
  })

  it('sees nothing of others', async () => {
    const { token } = limited
    expect((await server.request('GET', `/v1/runs/${other}`, { token })).status).toBe(404)
    expect((await server.request('GET', '/v1/suites/other', { token })).status).toBe(404)
    const suites = await server.request('GET', '/v1/suites', { token })
    expect(suites.json.items.map(({ name }: { name: string }) => name)).toEqual(['smoke'])
    const runs = await server.request('GET', '/v1/runs', { token })
    expect(new Set(runs.json.items.map(({ suite }: { suite: string }) => suite))).toEqual(new Set(['smoke']))
  })
})

it('viewers, members and owners have each a little more', () => {
  expect(ROLE_SCOPES.viewer).not.toContain('runs:write')
  expect(ROLE_SCOPES.member).toEqual(expect.arrayContaining([...ROLE_SCOPES.viewer, 'runs:write', 'suites:write']))
  expect(ROLE_SCOPES.owner).toEqual(expect.arrayContaining([...ROLE_SCOPES.member, 'members:write']))
  for (const scopes of Object.values(ROLE_SCOPES)) expect(scopes).not.toContain('admin')
})
