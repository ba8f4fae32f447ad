import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROLE_SCOPES, ROLES, SCOPES } from '../../contract/scopes.ts'
import { type Answer, startServer, type TestServer } from '../support/server.ts'
import { NEEDS, PUBLIC } from './route-access.ts'

/** Wire 4 and the routes' own word in one: who is let through to every endpoint there is. */
let server: TestServer
interface Caller {
  readonly token: string | null
  readonly scopes: ReadonlySet<string>
}
const callers = new Map<string, Caller>([['none', { token: null, scopes: new Set() }]])
/** What there is in the workspace, by the place in the address where it is named. */
const things: Record<string, string> = {}
let workspace: string

const add = (name: string, token: string, scopes: readonly string[]) =>
  callers.set(name, { token, scopes: new Set(scopes) })

async function made(path: string, json: object, token?: string) {
  const answer = await server.request('POST', path, { json, ...(token && { token }) })
  if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.text}`)
  return answer.json
}

/** A new person of that role in the workspace of the token. */
async function invited(role: string, into: string, token?: string): Promise<{ user: string; token: string }> {
  const invitation = await made(`/v1/workspaces/${into}/invitations`, { role }, token)
  const json = { token: invitation.token }
  const { user, key } = (await server.request('POST', '/v1/invitations/accept', { token: null, json })).json
  return { user: user.id, token: await server.token(undefined, key.key) }
}

beforeAll(async () => {
  const env = { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000', VERDICT_RATE_EXCHANGES: '10000' }
  server = await startServer({ env })
  workspace = (await server.request('GET', '/v1/me')).json.workspace.id
  for (const role of ROLES) add(role, (await invited(role, workspace)).token, ROLE_SCOPES[role])
  const theirs = await made('/v1/workspaces', { name: 'other' })
  const owner = await invited('owner', theirs.id, await server.token(undefined, theirs.key.key))
  add('other workspace', owner.token, ROLE_SCOPES.owner)
  const worker = await made('/v1/workers', { name: 'builder' })
  add('worker', await server.token(undefined, worker.key), ['work'])
  const all = SCOPES.filter((scope) => scope !== 'work')
  for (const scope of all) add(`only ${scope}`, await server.token(scope), [scope])
  add('admin', await server.token(), all)

  const definition = { run: 'true', secrets: ['X'] }
  await server.request('PUT', '/v1/suites/theirs', { json: { definition } })
  await server.request('PUT', '/v1/suites/theirs/secrets/X', { json: { value: 'v' } })
  const service = await made('/v1/users', { kind: 'service', name: 'ci' })
  const key = await made(`/v1/users/${service.id}/keys`, { name: 'ci' })
  const callback = await made('/v1/callbacks', { url: 'https://example.com/hook' })
  Object.assign(things, {
    ...{ 'suites name': 'theirs', 'secrets secret': 'X', 'workspaces id': workspace, 'workers id': worker.id },
    ...{ 'keys id': key.id, 'keys keyId': key.id, 'users id': service.id, 'members userId': service.id },
    'runs id': (await made('/v1/runs', { suite: 'theirs' })).id,
    'callbacks id': callback.id,
    'deliveries id': (await made(`/v1/callbacks/${callback.id}/test`, {})).id,
    'triggers id': (await made('/v1/triggers', { suite: 'theirs', kind: 'github' })).id,
  })
})
afterAll(() => server?.stop())

/** The address with every name in it replaced; what is no thing of the workspace is `x`. */
function address(template: string, names: Record<string, string>): string {
  return template
    .replace(/(\w+)\/\{(\w+)\}/g, (_, noun, name) => `${noun}/${names[`${noun} ${name}`] ?? 'x'}`)
    .replace(/\{\w+\}/g, 'x')
}

/** Whether authentication and scope let the caller through to the route's own work, whatever that makes of the rest. */
function letIn({ status, json }: Answer): boolean {
  if (status === 429) throw new Error('a limit was met: nothing is known')
  const code = json?.code ?? json?.error
  return status !== 401 && !(status === 403 && (code === 'insufficient_scope' || code === undefined))
}

interface Row {
  readonly method: string
  readonly path: string
  readonly takes: (caller: string) => boolean
}
const isPerson = (caller: string) => caller !== 'none' && caller !== 'worker'
const has = (caller: string, scopes: readonly string[]) =>
  scopes.some((scope) => callers.get(caller)!.scopes.has(scope))

const LEAVING = 'DELETE /v1/workspaces/{id}/members/{userId}'
/** Rows of the matrix: every route there is (scopes.test.ts sees to that). Whether one may remove a member depends on whom, so that is rows of its own. */
function rows(): [string, Row][] {
  const row = (route: string, takes: Row['takes'], names = {}): [string, Row] => {
    const [method = '', template = ''] = route.split(' ')
    return [route, { method, path: address(template, names), takes }]
  }
  const ours = { 'workspaces id': workspace, 'members userId': 'usr_01890000000000000000000000' }
  return [
    ...Object.entries(NEEDS).map(([route, scopes]) =>
      row(route, scopes.length === 0 ? isPerson : (caller) => has(caller, scopes)),
    ),
    ...[...PUBLIC, 'GET /openapi.json', 'GET /docs/'].map((route) => row(route, () => true)),
    row(
      LEAVING,
      (caller) => isPerson(caller) && (has(caller, ['members:write']) || caller === 'other workspace'),
      ours,
    ),
  ]
}

it('lets exactly those callers in whose role or key has one of the scopes of the route', async () => {
  const wrong: string[] = []
  for (const [route, { method, path, takes }] of rows()) {
    for (const [caller, { token }] of callers) {
      const taken = letIn(await server.request(method, path, { token }))
      if (taken !== takes(caller)) wrong.push(`${route} by ${caller}: ${taken ? 'let in' : 'refused'}`)
    }
  }
  expect(wrong).toEqual([])
}, 60_000)

it.each(ROLES)('lets a %s leave, and only an owner take somebody else out', async (role) => {
  const [one, another] = [await invited(role, workspace), await invited('viewer', workspace)]
  const out = async (user: string) =>
    (await server.request('DELETE', `/v1/workspaces/${workspace}/members/${user}`, { token: one.token })).status
  expect(await out(another.user)).toBe(role === 'owner' ? 204 : 403)
  expect(await out(one.user)).toBe(204)
  expect(await out(one.user)).toBe(401)
})

describe('what a workspace has', () => {
  /** Bodies that are looked at before it is known whose the thing is. */
  const BODIES: Record<string, object> = {
    'PATCH /v1/keys/{id}': { name: 'x' },
    'PUT /v1/suites/{name}/secrets/{secret}': { value: 'x' },
    'PATCH /v1/users/{id}': { name: 'x' },
    'POST /v1/users/{id}/keys': { name: 'x' },
    'PATCH /v1/users/{id}/keys/{keyId}': { name: 'x' },
    'PATCH /v1/workspaces/{id}': { name: 'x' },
    'PATCH /v1/workspaces/{id}/members/{userId}': { role: 'viewer' },
    'POST /v1/workspaces/{id}/invitations': { role: 'viewer' },
    'PATCH /v1/callbacks/{id}': { description: 'x' },
    'PATCH /v1/triggers/{id}': { branches: ['x'] },
  }
  /** What another workspace makes under that name is its own. */
  const OWN = ['PUT /v1/suites/{name}', 'PUT /v1/archives/{sha256}', 'HEAD /v1/archives/{sha256}']
  const named = Object.keys(NEEDS).filter(
    (route) => route.includes('{') && !OWN.includes(route) && !route.includes('/work/') && !route.includes('external'),
  )

  it.each(named)('is not there for an owner of another one, like what never was: %s', async (route) => {
    const [method = '', template = ''] = route.split(' ')
    const json = BODIES[route] ?? (['POST', 'PATCH'].includes(method) ? {} : undefined)
    const query = route === 'DELETE /v1/workspaces/{id}' ? '?confirm=other' : ''
    const asked = async (names: Record<string, string>) => {
      const { token } = callers.get('other workspace')!
      const answer = await server.request(method, address(template, names) + query, { token, ...(json && { json }) })
      return [answer.status, answer.json?.code]
    }
    expect(address(template, things).replace('/artifacts/x', '')).not.toMatch(/\/x(\/|$)/)
    expect(await asked(things)).toEqual([404, expect.stringMatching(/^(not_found|unknown_suite)$/)])
    expect(await asked({})).toEqual(await asked(things))
  })

  const lists = Object.keys(NEEDS).filter((route) => /^GET \/v1\/\w+$/.test(route) && route !== 'GET /v1/me')
  it.each(lists)('is in no list of another one: %s', async (route) => {
    const { token } = callers.get('other workspace')!
    const answer = await server.request('GET', route.slice(4), { token })
    expect(answer.status, answer.text).toBe(200)
    for (const id of Object.values(things).filter((thing) => thing.length > 10)) expect(answer.text).not.toContain(id)
  })
})
