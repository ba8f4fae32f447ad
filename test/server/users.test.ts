import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { newPerson } from './people.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none' } })
})
afterAll(() => server?.stop())

const make = (json: object, token?: string, headers = {}) =>
  server.request('POST', '/v1/users', { json, headers, ...(token === undefined ? {} : { token }) })

describe('users', () => {
  it('get a workspace of their own', async () => {
    const metadata = { plan: 'pro' }
    const json = { name: 'Ada', email: 'ada@example.com', externalId: 'auth0|1', metadata, limits: { maxKeys: 3 } }
    const made = await make(json)
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({
      ...json,
      kind: 'person',
      disabled: false,
      limits: { maxKeys: 3, runsPerDay: null, runningAtOnce: null },
      workspace: expect.stringMatching(/^wsp_/),
    })
    const admin = await server.request('GET', '/v1/me')
    expect(made.json.workspace).not.toBe(admin.json.workspace.id)
  })

  it.each([
    ['an email that is taken, in any case of letters', { email: 'Ada@Example.com' }, 409, 'conflict'],
    ['an external id that is taken', { externalId: 'auth0|1' }, 409, 'conflict'],
    ['an unknown field', { admin: true }, 400, 'invalid_request'],
    ['an unknown kind', { kind: 'robot' }, 400, 'invalid_request'],
    ['a limit that is not one', { limits: { maxKeys: -1 } }, 400, 'invalid_request'],
  ])('are refused with %s', async (_what, json, status, code) => {
    const answer = await make(json)
    expect([answer.status, answer.json.code]).toEqual([status, code])
  })

  it('are the same for the same Idempotency-Key of a workspace', async () => {
    const first = await make({ name: 'Bo' }, undefined, { 'idempotency-key': 'bo' })
    const again = await make({ name: 'Bo' }, await server.token('users:write'), { 'idempotency-key': 'bo' })
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.json).toEqual(first.json)
    expect((await make({ name: 'Cy' }, undefined, { 'idempotency-key': 'bo' })).json.code).toBe(
      'idempotency_key_reused',
    )
  })

  it('are made by nobody but who has users:write', async () => {
    const person = await newPerson(server)
    expect((await make({ name: 'x' }, person.token)).json.code).toBe('insufficient_scope')
    const owner = await server.token('members:write')
    const answer = await make({ name: 'x' }, owner)
    expect([answer.status, answer.json.code]).toEqual([403, 'insufficient_scope'])
  })
})

describe('keys on behalf of a user', () => {
  it('are shown once, listed, and bounded by the user’s own limit', async () => {
    const user = (await make({ name: 'limited', limits: { maxKeys: 1 } })).json
    const made = await server.request('POST', `/v1/users/${user.id}/keys`, { json: { name: 'ci' } })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ user: user.id, workspace: user.workspace, key: expect.stringMatching(/^vdt_/) })
    const listed = await server.request('GET', `/v1/users/${user.id}/keys`)
    expect(listed.json.items.map(({ id }: { id: string }) => id)).toEqual([made.json.id])
    expect(listed.text).not.toContain(made.json.key)
    const more = await server.request('POST', `/v1/users/${user.id}/keys`, { json: { name: 'ci' } })
    expect([more.status, more.json.code]).toEqual([422, 'too_many_keys'])
  })

  it.each(['admin', 'users:write', 'members:write'])('never have the scope %s', async (scope) => {
    const user = (await make({})).json
    const answer = await server.request('POST', `/v1/users/${user.id}/keys`, { json: { name: 'x', scopes: [scope] } })
    expect([answer.status, answer.json.code]).toEqual([403, 'exceeds_caller'])
  })

  it('never have more than the maker', async () => {
    const user = (await make({})).json
    const answer = await server.request('POST', `/v1/users/${user.id}/keys`, {
      token: await server.token('users:write runs:read'),
      json: { name: 'x', scopes: ['runs:write'] },
    })
    expect(answer.json.code).toBe('exceeds_caller')
  })

  it('are for a workspace of the user’s only', async () => {
    const [one, two] = [(await make({})).json, (await make({})).json]
    const json = { name: 'x', workspace: two.workspace }
    const answer = await server.request('POST', `/v1/users/${one.id}/keys`, { json })
    expect([answer.status, answer.json.code]).toEqual([404, 'not_found'])
  })

  it('are not made for a user that there is not', async () => {
    for (const id of ['usr_01890000000000000000000000', 'x']) {
      expect((await server.request('POST', `/v1/users/${id}/keys`, { json: { name: 'x' } })).status).toBe(404)
      expect((await server.request('GET', `/v1/users/${id}/keys`)).status).toBe(404)
    }
  })
})

describe('service users', () => {
  it('belong to the workspace of the owner that made them', async () => {
    const owner = await server.token('members:write keys:write runs:read runs:write suites:read')
    const me = await server.request('GET', '/v1/me')
    const made = await make({ kind: 'service', name: 'ci' }, owner)
    expect(made.status).toBe(201)
    expect(made.json.workspace).toBe(me.json.workspace.id)

    const key = await server.request('POST', `/v1/users/${made.json.id}/keys`, { token: owner, json: { name: 'ci' } })
    expect(key.status).toBe(201)
    const token = await server.token(undefined, key.json.key)
    const its = await server.request('GET', '/v1/me', { token })
    expect(its.json).toMatchObject({ user: { kind: 'service' }, workspace: { role: 'member' } })

    const listed = await server.request('GET', '/v1/users', { token: owner })
    expect(listed.json.items.map(({ id }: { id: string }) => id)).toContain(made.json.id)
  })

  it('of another workspace, and people, are not an owner’s to manage', async () => {
    const person = (await make({ name: 'not yours' })).json
    const owner = await server.token('members:write runs:read')
    const answer = await server.request('POST', `/v1/users/${person.id}/keys`, { token: owner, json: { name: 'x' } })
    expect([answer.status, answer.json.code]).toEqual([404, 'not_found'])
    const listed = await server.request('GET', '/v1/users', { token: owner })
    expect(listed.json.items.map(({ id }: { id: string }) => id)).not.toContain(person.id)
  })
})

describe('/v1/me', () => {
  it('tells user, workspace, credential, scopes and end', async () => {
    const person = await newPerson(server, { suites: ['smoke'] })
    const { json } = await server.request('GET', '/v1/me', { token: person.token })
    expect(json).toMatchObject({
      user: { id: person.user, kind: 'person' },
      workspace: { id: person.workspace, role: 'owner' },
      credential: { kind: 'key', id: person.keyId, name: 'ci', expiresAt: expect.any(String) },
      suites: ['smoke'],
    })
    expect(Date.parse(json.expiresAt)).toBeGreaterThan(Date.now())
  })
})

it('without a sandbox there is room for one user only', async () => {
  const open = await startServer()
  for (const kind of ['person', 'service']) {
    const answer = await open.request('POST', '/v1/users', { json: { kind } })
    expect([answer.status, answer.json.code]).toEqual([409, 'unsandboxed'])
  }
  await open.stop()
})
