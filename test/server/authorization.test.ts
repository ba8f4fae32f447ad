import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROLE_SCOPES, ROLES, SCOPES, type Scope } from '../../contract/scopes.ts'
import { startServer, type TestServer } from '../support/server.ts'

/** Wire 4 and the routes' own word in one: who is let through to every endpoint there is. */
let server: TestServer
const tokens = new Map<string, string>()
const holds = new Map<string, ReadonlySet<string>>()
const routes: { route: string; method: string; path: string; access: readonly Scope[] | 'public' }[] = []

beforeAll(async () => {
  server = await startServer({
    env: { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000', VERDICT_RATE_EXCHANGES: '10000' },
  })
  const workspace = (await server.request('GET', '/v1/me')).json.workspace.id
  const add = (name: string, token: string, scopes: readonly string[]) => {
    tokens.set(name, token)
    holds.set(name, new Set(scopes))
  }
  for (const role of ROLES) {
    const invited = await server.request('POST', `/v1/workspaces/${workspace}/invitations`, { json: { role } })
    const { key } = (
      await server.request('POST', '/v1/invitations/accept', { token: null, json: { token: invited.json.token } })
    ).json
    add(role, await server.token(undefined, key.key), ROLE_SCOPES[role])
  }
  const other = (await server.request('POST', '/v1/users', { json: { name: 'other workspace' } })).json
  const scopes = ROLE_SCOPES.owner.filter((scope) => scope !== 'members:write')
  const { key } = (await server.request('POST', `/v1/users/${other.id}/keys`, { json: { name: 'x', scopes } })).json
  add('other workspace', await server.token(undefined, key), scopes)
  const all = SCOPES.filter((scope) => scope !== 'work')
  for (const scope of all) add(`only ${scope}`, await server.token(scope), [scope])
  add('admin', await server.token(), all)

  const { json } = await server.request('GET', '/openapi.json', { token: null })
  const paths = json.paths as Record<string, Record<string, { security: { token: Scope[] }[] }>>
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { security }] of Object.entries(operations)) {
      const access = security.length === 0 ? 'public' : security[0]!.token
      routes.push({
        route: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path: path.replace(/\{[^}]+\}/g, 'x'),
        access,
      })
    }
  }
})
afterAll(() => server?.stop())

/** Whether authentication and scope let the caller through to the route's own work, whatever that makes of the rest. */
async function letIn(caller: string, { method, path }: { method: string; path: string }): Promise<boolean> {
  const answer = await server.request(method, path, { token: caller === 'none' ? null : tokens.get(caller)! })
  const code = answer.json?.code ?? answer.json?.error
  return answer.status !== 401 && !(answer.status === 403 && (code === 'insufficient_scope' || code === undefined))
}

describe('every endpoint', () => {
  it('is in the matrix', () => {
    expect(routes.length).toBeGreaterThan(60)
    // A route that is private and names no scope is open to everybody with a token: those are few, and known.
    const open = routes.filter(({ access }) => access !== 'public' && access.length === 0).map(({ route }) => route)
    expect(open.sort()).toEqual([
      'DELETE /v1/workspaces/{id}/members/{userId}',
      'GET /v1/me',
      'GET /v1/workspaces',
      'GET /v1/workspaces/{id}',
      'GET /v1/workspaces/{id}/members',
    ])
  })

  it('takes exactly those callers whose role or key has one of its scopes', async () => {
    const wrong: string[] = []
    for (const route of routes) {
      for (const caller of ['none', ...tokens.keys()]) {
        const own = holds.get(caller) ?? new Set()
        const expected =
          route.access === 'public' ||
          (caller !== 'none' && (route.access.length === 0 || route.access.some((scope) => own.has(scope))))
        // Malformed input in the address of such a route is nobody's right: leaving is for oneself.
        if (route.route.startsWith('DELETE /v1/workspaces/{id}/members')) continue
        if (route.access === 'public' && !route.route.startsWith('GET ')) continue
        if ((await letIn(caller, route)) !== expected) wrong.push(`${route.route} by ${caller}: expected ${expected}`)
      }
    }
    expect(wrong).toEqual([])
  }, 60_000)
})
