import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewKey } from '../../contract/keys.ts'
import { type Answer, exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, type Person } from './people.ts'

let server: TestServer
let owner: string
let workspace: string
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000' } })
  workspace = (await server.request('GET', '/v1/me')).json.workspace.id
  owner = await server.token()
})
afterAll(() => server?.stop())

type Answered = Answer
const path = (rest = '', id = workspace) => `/v1/workspaces/${id}${rest}`
const invite = (json: object, token = owner, id = workspace): Promise<Answered> =>
  server.request('POST', path('/invitations', id), { token, json })
const accept = (json: object, token: string | null = null): Promise<Answered> =>
  server.request('POST', '/v1/invitations/accept', { token, json })
const newMember = async (role: string, id = workspace, token = owner) => {
  const invited = await invite({ role }, token, id)
  const { user, key } = (await accept({ token: invited.json.token, name: role })).json as {
    user: { id: string }
    key: NewKey
  }
  return {
    user: user.id,
    key: key.key,
    keyId: key.id,
    scopes: key.scopes,
    token: await server.token(undefined, key.key),
  }
}
const newWorkspace = async (name: string) => {
  const made = await server.request('POST', '/v1/workspaces', { token: owner, json: { name } })
  return { id: made.json.id as string, token: await server.token(undefined, made.json.key.key) }
}

describe('a workspace', () => {
  it('is made with a key for it, which has as much as the one that made it', async () => {
    const token = await server.token('members:write keys:read')
    const made = await server.request('POST', '/v1/workspaces', { token, json: { name: 'shop' } })
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(made.json).toMatchObject({ name: 'shop', role: 'owner', key: { workspace: made.json.id } })
    expect([...made.json.key.scopes].sort()).toEqual(['keys:read', 'members:write'])
    const own = await server.token(undefined, made.json.key.key)
    expect((await server.request('GET', path('', made.json.id), { token: own })).json).toMatchObject({ name: 'shop' })
  })

  it('is found by its own tokens only', async () => {
    const other = await newWorkspace('other')
    for (const [method, rest] of [
      ['GET', ''],
      ['GET', '/members'],
      ['GET', '/keys'],
      ['POST', '/invitations'],
    ] as const) {
      const json = method === 'POST' ? { json: { role: 'viewer' } } : {}
      expect((await server.request(method, path(rest, other.id), { token: owner, ...json })).status).toBe(404)
    }
    const listed = await server.request('GET', '/v1/workspaces', { token: other.token })
    expect(listed.json.items.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining([other.id, workspace]))
  })

  it('is renamed', async () => {
    const { id, token } = await newWorkspace('before')
    expect((await server.request('PATCH', path('', id), { token, json: { name: 'after' } })).json.name).toBe('after')
    expect((await server.request('GET', '/v1/me', { token })).json.workspace.name).toBe('after')
    expect((await server.request('PATCH', path('', id), { token, json: { name: '  ' } })).status).toBe(400)
  })

  it('is deleted with everything in it, once its name is confirmed', async () => {
    const { id, token } = await newWorkspace('doomed & gone')
    const member = await newMember('member', id, token)
    const run = await server.request('POST', '/v1/runs', {
      token: member.token,
      json: { suite: 's', definition: { run: 'true' } },
    })
    for (const confirm of ['', '?confirm=doomed', '?confirm=']) {
      expect((await server.request('DELETE', path(confirm, id), { token })).status).toBe(400)
    }
    expect(run.status).toBe(202)
    const done = await server.request('DELETE', path(`?confirm=${encodeURIComponent('doomed & gone')}`, id), { token })
    expect(done.status).toBe(204)
    for (const one of [token, member.token])
      expect((await server.request('GET', '/v1/me', { token: one })).status).toBe(401)
    expect((await server.exchange(exchangeForm(member.key))).status).toBe(400)
    const listed = await server.request('GET', '/v1/workspaces')
    expect(listed.json.items.map((one: { id: string }) => one.id)).not.toContain(id)
  })

  it('is made by people only', async () => {
    const service = (await server.request('POST', '/v1/users', { json: { kind: 'service', name: 'ci' } })).json
    await server.request('PATCH', path(`/members/${service.id}`), { token: owner, json: { role: 'owner' } })
    const json = { name: 'x', scopes: ['trusts:read'] }
    const key = await server.request('POST', `/v1/users/${service.id}/keys`, { json })
    expect(key.status).toBe(201)
  })
})

describe('an invitation', () => {
  it('lets a new person in once, with a key of all that the role has', async () => {
    const invited = await invite({ role: 'member', email: 'new@example.com' })
    expect(invited.json.link).toBe(`${server.url}/invitation#${invited.json.token}`)
    const accepted = await accept({ token: invited.json.token, name: 'New' })
    expect(accepted.status).toBe(201)
    expect(accepted.json).toMatchObject({ user: { name: 'New', email: 'new@example.com' }, key: { workspace } })
    expect(accepted.json.key.scopes).toEqual(expect.arrayContaining(['runs:write', 'keys:write']))
    expect(accepted.json.key.scopes).not.toContain('members:write')
    const again = await accept({ token: invited.json.token })
    expect([again.status, again.json.code]).toEqual([404, 'not_found'])
  })

  it('lets a person in who is there already, with no more than they showed', async () => {
    const person = await newPerson(server, { scopes: ['keys:write', 'runs:read'] })
    const invited = await invite({ role: 'owner' })
    const accepted = await accept({ token: invited.json.token }, person.token)
    expect(accepted.json.user.id).toBe(person.user)
    expect([...accepted.json.key.scopes].sort()).toEqual(['keys:write', 'runs:read'])
  })

  it('is used by one of many who come at once', async () => {
    const invited = await invite({ role: 'viewer' })
    const answers = await Promise.all(Array.from({ length: 8 }, () => accept({ token: invited.json.token })))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  })

  it('is not used up by who cannot take it', async () => {
    await server.request('POST', '/v1/users', { json: { email: 'taken@example.com' } })
    const invited = await invite({ role: 'viewer' })
    expect((await accept({ token: invited.json.token, email: 'taken@example.com' })).status).toBe(409)
    expect((await accept({ token: invited.json.token })).status).toBe(201)
  })

  it.each([['x'], ['vdi_x'], [`vdi_${'a'.repeat(43)}`], ['x'.repeat(200)]])('is not %s', async (token) => {
    const answer = await accept({ token })
    expect([answer.status, answer.json.code]).toEqual([404, 'not_found'])
  })

  it.each([
    [{ role: 'admin' }],
    [{}],
    [{ role: 'member', expiresInSeconds: 1 }],
    [{ role: 'member', expiresInSeconds: 99_999_999 }],
    [{ role: 'member', extra: 1 }],
  ])('is not made of %j', async (json) => {
    expect((await invite(json)).status).toBe(400)
  })
})

describe('members', () => {
  it('are listed to all of them', async () => {
    const viewer = await newMember('viewer')
    const listed = await server.request('GET', path('/members?limit=200'), { token: viewer.token })
    expect(listed.json.items).toContainEqual(
      expect.objectContaining({ user: viewer.user, role: 'viewer', name: 'viewer' }),
    )
  })

  it('lose at once what another role has not', async () => {
    const member = await newMember('member')
    const run = () =>
      server.request('POST', '/v1/runs', { token: member.token, json: { suite: 's', definition: { run: 'true' } } })
    expect((await run()).status).toBe(202)
    const changed = await server.request('PATCH', path(`/members/${member.user}`), {
      token: owner,
      json: { role: 'viewer' },
    })
    expect(changed.json).toMatchObject({ user: member.user, role: 'viewer' })
    expect((await run()).json.code).toBe('insufficient_scope')
    expect((await server.exchange(exchangeForm(member.key))).json.scope).not.toContain('runs:write')
  })

  it('are removed by owners, with their keys, at once', async () => {
    const member = await newMember('member')
    expect((await server.request('DELETE', path(`/members/${member.user}`), { token: owner })).status).toBe(204)
    expect((await server.request('GET', '/v1/me', { token: member.token })).status).toBe(401)
    expect((await server.exchange(exchangeForm(member.key))).status).toBe(400)
    expect((await server.request('DELETE', path(`/members/${member.user}`), { token: owner })).status).toBe(404)
  })

  it('may leave by themselves, and remove nobody else', async () => {
    const [viewer, other] = [await newMember('viewer'), await newMember('member')]
    const refused = await server.request('DELETE', path(`/members/${other.user}`), { token: viewer.token })
    expect([refused.status, refused.json.code]).toEqual([403, 'insufficient_scope'])
    expect((await server.request('DELETE', path(`/members/${viewer.user}`), { token: viewer.token })).status).toBe(204)
    expect((await server.request('GET', '/v1/me', { token: viewer.token })).status).toBe(401)
  })

  it('never leave a workspace without an owner', async () => {
    const { id, token } = await newWorkspace('lonely')
    const me = (await server.request('GET', '/v1/me', { token })).json.user.id
    const leave = () => server.request('DELETE', path(`/members/${me}`, id), { token })
    const step = (role: string) => server.request('PATCH', path(`/members/${me}`, id), { token, json: { role } })
    for (const answer of [await leave(), await step('viewer')]) {
      expect([answer.status, answer.json.code]).toEqual([409, 'last_owner'])
    }
    const other = await newMember('owner', id, token)
    expect((await leave()).status).toBe(204)
    // Nobody else is left there, so the workspace goes with its last person.
    expect((await server.request('DELETE', `/v1/users/${other.user}`)).status).toBe(204)
  })

  it('that are deleted as users leave no workspace to nobody', async () => {
    const { id, token } = await newWorkspace('shared')
    const other = await newMember('owner', id, token)
    await newMember('viewer', id, token)
    const me = (await server.request('GET', '/v1/me', { token })).json.user.id
    await server.request('DELETE', path(`/members/${me}`, id), { token })
    const refused = await server.request('DELETE', `/v1/users/${other.user}`)
    expect([refused.status, refused.json.code]).toEqual([409, 'last_owner'])
  })

  it('are not service users: those go with their workspace', async () => {
    const service = (await server.request('POST', '/v1/users', { json: { kind: 'service', name: 'bot' } })).json
    expect((await server.request('DELETE', path(`/members/${service.id}`), { token: owner })).status).toBe(409)
    expect((await server.request('DELETE', `/v1/users/${service.id}`, { token: owner })).status).toBe(204)
  })
})

describe('the keys of members', () => {
  let member: Awaited<ReturnType<typeof newMember>>
  beforeAll(async () => {
    member = await newMember('member')
  })

  it('are listed and revoked by owners', async () => {
    const listed = await server.request('GET', path('/keys?limit=200'), { token: owner })
    expect(listed.json.items).toContainEqual(expect.objectContaining({ id: member.keyId, user: member.user }))
    expect(listed.text).not.toContain(member.key)
    expect((await server.request('GET', path('/keys'), { token: member.token })).status).toBe(403)
    expect((await server.request('DELETE', path(`/keys/${member.keyId}`), { token: owner })).status).toBe(204)
    expect((await server.request('GET', '/v1/me', { token: member.token })).status).toBe(401)
  })

  it('of another workspace are not found', async () => {
    const stranger: Person = await newPerson(server)
    expect((await server.request('DELETE', path(`/keys/${stranger.keyId}`), { token: owner })).status).toBe(404)
    expect((await server.request('GET', '/v1/me', { token: stranger.token })).status).toBe(200)
  })
})
