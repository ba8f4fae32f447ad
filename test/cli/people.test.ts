import { describe, expect, it } from 'vitest'
import { KEY, scriptedServer } from '../client/scripted-server.ts'
import { machine, verdict } from './machine.ts'

const USER = 'usr_01jd3v9q8m7x5k2r4t6w8y0zab'
const ME = { json: { user: { id: USER }, workspace: { id: 'wsp_1', name: 'shop', role: 'owner' } } }
const bodyOf = (server: Awaited<ReturnType<typeof scriptedServer>>, route: string) =>
  JSON.parse(server.of(route)[0]!.body.toString())

describe('members', () => {
  it('are listed with their roles', async () => {
    const items = [
      { user: USER, kind: 'person', name: 'Ann', email: null, role: 'owner', since: '2026-11-02T00:00:00.000Z' },
    ]
    await using server = await scriptedServer({
      'GET /v1/me': ME,
      'GET /v1/workspaces/wsp_1/members': { json: { items, next: null } },
    })
    const { stdout } = await verdict(['members', 'list'], { server })
    expect(stdout).toContain(`${USER}  owner  person  2026-11-02 00:00  Ann`)
  })

  it('are invited by a link that is printed alone', async () => {
    const link = 'https://verdict.example/invitation#vdi_x'
    const json = { id: 'inv_1', link, token: 'vdi_x', expiresAt: '2026-12-02T00:00:00.000Z' }
    await using server = await scriptedServer({
      'GET /v1/me': ME,
      'POST /v1/workspaces/wsp_1/invitations': { status: 201, json },
    })
    const { stdout, stderr } = await verdict(['members', 'invite', 'member', '--expires', '1h'], { server })
    expect(stdout).toBe(`${link}\n`)
    expect(stderr).toContain('verdict members accept')
    expect(bodyOf(server, 'POST /v1/workspaces/wsp_1/invitations')).toEqual({ role: 'member', expiresInSeconds: 3600 })
  })

  it('accept a link without any key, and get theirs', async () => {
    const json = { user: { id: USER }, key: { id: 'key_1', key: KEY } }
    await using server = await scriptedServer({ 'POST /v1/invitations/accept': { status: 201, json } })
    const { code, stdout } = await verdict(['members', 'accept', `${server.url}/invitation#vdi_x`, '--name', 'Bo'], {
      server,
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${KEY}\n` })
    expect(bodyOf(server, 'POST /v1/invitations/accept')).toEqual({ token: 'vdi_x', name: 'Bo' })
    expect(server.of('POST /v1/invitations/accept')[0]!.headers.authorization).toBeUndefined()
  })

  it.each([['nonsense'], ['https://verdict.example/invitation']])('accept no %s', async (link) => {
    await using server = await scriptedServer({})
    expect((await verdict(['members', 'accept', link], { server })).code).toBe(2)
  })

  it('get one of three roles, or leave', async () => {
    const at = `/v1/workspaces/wsp_1/members/${USER}`
    await using server = await scriptedServer({
      'GET /v1/me': ME,
      [`PATCH ${at}`]: { json: { user: USER, role: 'viewer' } },
      [`DELETE ${at}`]: { status: 204 },
    })
    expect((await verdict(['members', 'role', USER, 'viewer'], { server })).stdout).toBe(`${USER} is viewer now\n`)
    expect((await verdict(['members', 'role', USER, 'admin'], { server })).code).toBe(2)
    expect((await verdict(['members', 'remove', USER], { server })).stdout).toBe(`${USER} removed\n`)
  })
})

describe('workspaces', () => {
  it('are listed with your role in each', async () => {
    const items = [{ id: 'wsp_1', name: 'shop', role: 'owner', createdAt: '2026-11-02T00:00:00.000Z' }]
    await using server = await scriptedServer({ 'GET /v1/workspaces': { json: { items, next: null } } })
    expect((await verdict(['workspaces', 'list'], { server })).stdout).toContain('wsp_1  owner  2026-11-02 00:00  shop')
    expect(JSON.parse((await verdict(['workspaces', 'list', '--json'], { server })).stdout)).toEqual({ items })
  })

  it('are made with a key that is printed alone', async () => {
    const json = { id: 'wsp_2', name: 'stock', role: 'owner', key: { id: 'key_1', key: KEY } }
    await using server = await scriptedServer({ 'POST /v1/workspaces': { status: 201, json } })
    const { stdout, stderr } = await verdict(['workspaces', 'create', 'stock'], { server })
    expect(stdout).toBe(`${KEY}\n`)
    expect(stderr).toContain('stock (wsp_2)')
    expect(stderr).not.toContain(KEY)
    expect(bodyOf(server, 'POST /v1/workspaces')).toEqual({ name: 'stock' })
    expect(server.of('POST /v1/workspaces')[0]!.headers['idempotency-key']).toMatch(/./)
  })

  it('are renamed: the one that the key is for', async () => {
    await using server = await scriptedServer({
      'GET /v1/me': ME,
      'PATCH /v1/workspaces/wsp_1': { json: { id: 'wsp_1', name: 'store' } },
    })
    expect((await verdict(['workspaces', 'rename', 'store'], { server })).stdout).toBe('wsp_1 is store now\n')
    expect(bodyOf(server, 'PATCH /v1/workspaces/wsp_1')).toEqual({ name: 'store' })
  })

  const deletable = () => scriptedServer({ 'GET /v1/me': ME, 'DELETE /v1/workspaces/wsp_1': { status: 204 } })

  it('are deleted when their name is confirmed, by a flag', async () => {
    await using server = await deletable()
    const { code, stdout } = await verdict(['workspaces', 'delete', '--confirm', 'shop'], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'shop (wsp_1) deleted\n' })
    expect(server.of('DELETE /v1/workspaces/wsp_1')[0]!.path).toBe('/v1/workspaces/wsp_1?confirm=shop')
  })

  it.each([
    ['shop', 0],
    ['y', 2],
    ['', 2],
  ])('are deleted when their name is typed at a terminal: %j ends with %i', async (typed, code) => {
    await using server = await deletable()
    const on = machine({ terminal: true, env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY } })
    const ended = on.run('workspaces', 'delete')
    await expect.poll(on.stderr).toContain('Type its name to delete "shop" with everything in it')
    on.type(`${typed}\n`)
    expect(await ended).toBe(code)
    expect(server.of('DELETE /v1/workspaces/wsp_1')).toHaveLength(code === 0 ? 1 : 0)
  })

  it.each([
    ['nothing', [], /--confirm "shop"/],
    ['another name', ['--confirm', 'stock'], /is "shop", not "stock"/],
  ])('are not deleted by a script that confirms %s', async (_, flags, message) => {
    await using server = await deletable()
    const { code, stderr } = await verdict(['workspaces', 'delete', ...flags], { server })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(server.of('DELETE /v1/workspaces/wsp_1')).toEqual([])
  })
})

describe('users', () => {
  it('are put, disabled, enabled and deleted', async () => {
    const user = { id: USER, kind: 'person', name: 'Ann', disabled: false, externalId: 'a|1' }
    await using server = await scriptedServer({
      'PUT /v1/users/by-external-id/a%7C1': { json: user },
      [`PATCH /v1/users/${USER}`]: { json: user },
      [`DELETE /v1/users/${USER}`]: { status: 204 },
      'GET /v1/users': { json: { items: [user], next: null } },
    })
    expect((await verdict(['users', 'put', 'a|1', '--name', 'Ann'], { server })).stdout).toBe(`${USER}\n`)
    expect((await verdict(['users', 'disable', USER], { server })).stdout).toBe(`${USER} disabled\n`)
    expect(bodyOf(server, `PATCH /v1/users/${USER}`)).toEqual({ disabled: true })
    expect((await verdict(['users', 'enable', USER], { server })).stdout).toBe(`${USER} enabled\n`)
    expect((await verdict(['users', 'delete', USER], { server })).stdout).toBe(`${USER} deleted\n`)
    expect((await verdict(['users', 'list'], { server })).stdout).toContain(
      `${USER}  person  enabled  a|1          Ann`,
    )
  })
})

describe('audit', () => {
  it('lists who did what, and why not', async () => {
    const event = {
      ...{
        id: 'aud_1',
        createdAt: '2026-11-02T00:00:00.000Z',
        action: 'token.refused',
        outcome: 'refused',
        workspace: null,
      },
      ...{
        user: null,
        credential: 'key_1',
        address: '192.0.2.1',
        requestId: 'r',
        target: null,
        detail: { reason: 'was revoked' },
      },
    }
    await using server = await scriptedServer({ 'GET /v1/audit': { json: { items: [event], next: null } } })
    const { stdout } = await verdict(['audit', '--action', 'token.refused', '--since', '2h'], { server })
    expect(stdout).toMatch(/2026-11-02 00:00 +token\.refused +- +key_1 +192\.0\.2\.1 +was revoked/)
    expect(server.of('GET /v1/audit')[0]!.path).toContain('action=token.refused')
  })
})
