import { describe, expect, it } from 'vitest'
import type { Key, NewKey } from '../../contract/keys.ts'
import { KEY, scriptedServer } from '../client/scripted-server.ts'
import { verdict } from './machine.ts'

const ID = 'key_01jd3v9q8m7x5k2r4t6w8y0zab'
const OTHER = 'key_01jd3v9q8m7x5k2r4t6w8y0zac'

function keyOf(fields: Partial<NewKey> = {}): Key {
  return {
    id: ID,
    name: 'ci',
    description: null,
    user: 'usr_1',
    workspace: 'wsp_1',
    scopes: ['runs:write', 'runs:read'],
    suites: null,
    start: 'vdt_0707',
    end: 'abcd',
    createdAt: '2026-11-01T00:00:00.000Z',
    expiresAt: '2027-01-30T00:00:00.000Z',
    revokedAt: null,
    lastUsedAt: null,
    lastUsedFrom: null,
    allowedIps: null,
    audiences: null,
    limits: null,
    replaces: null,
    replacedBy: null,
    ...fields,
  }
}

describe('keys create', () => {
  it('prints the key alone on standard output and the advice beside it', async () => {
    await using server = await scriptedServer({ 'POST /v1/keys': { status: 201, json: keyOf({ key: KEY }) } })
    const { code, stdout, stderr } = await verdict(['keys', 'create', 'ci'], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${KEY}\n` })
    expect(stderr).toContain('only time the key is shown')
    expect(stderr).toContain('expires 2027-01-30')
    expect(stderr).not.toContain(KEY)
    expect(JSON.parse(server.of('POST /v1/keys')[0]!.body.toString())).toEqual({ name: 'ci' })
  })

  it('sends what was asked for', async () => {
    await using server = await scriptedServer({
      'POST /v1/keys': { status: 201, json: keyOf({ key: KEY, expiresAt: null }) },
    })
    const argv = ['keys', 'create', 'ci', '--scopes', 'runs:read,suites:read', '--suites', 'smoke,shop/checkout']
    const { stdout } = await verdict([...argv, '--expires', 'never', '--description', 'for CI', '--json'], { server })
    expect(JSON.parse(stdout)).toMatchObject({ id: ID, key: KEY })
    expect(JSON.parse(server.of('POST /v1/keys')[0]!.body.toString())).toEqual({
      name: 'ci',
      scopes: ['runs:read', 'suites:read'],
      suites: ['smoke', 'shop/checkout'],
      expiresAt: null,
      description: 'for CI',
    })
  })

  it('knows the scopes', async () => {
    await using server = await scriptedServer({})
    const { code, stderr } = await verdict(['keys', 'create', 'ci', '--scopes', 'runs:wirte'], { server })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'verdict: --scopes: there is no scope "runs:wirte" (did you mean "runs:write"?)\n',
    })
  })
})

describe('keys list', () => {
  it('shows how each key stands, in one line whatever its name holds', async () => {
    const items = [
      keyOf({ name: 'ci\n::error::x\u001b[31m' }),
      keyOf({ id: OTHER, name: 'old', revokedAt: '2026-11-02T00:00:00.000Z', suites: ['smoke'] }),
    ]
    await using server = await scriptedServer({ 'GET /v1/keys': { json: { items, next: null } } })
    const { stdout } = await verdict(['keys', 'list'], { server })
    expect(stdout.split('\n')).toHaveLength(4)
    expect(stdout).toMatch(/^ID +KEY +STATE +LAST USED +SUITES +NAME$/m)
    expect(stdout).toContain('vdt_0707…abcd  until 2027-01-30    -          all     ci')
    expect(stdout).toContain('revoked 2026-11-02  -          smoke   old')
    expect(stdout).not.toContain('\u001b')
    expect(JSON.parse((await verdict(['keys', 'list', '--json'], { server })).stdout)).toEqual({ items })
  })
})

describe('keys revoke', () => {
  const items = [
    keyOf(),
    keyOf({ id: OTHER, name: 'twice' }),
    keyOf({ id: `${OTHER}`.replace('c', 'd'), name: 'twice' }),
  ]

  it('takes ids and names', async () => {
    await using server = await scriptedServer({
      'GET /v1/keys': { json: { items, next: null } },
      [`DELETE /v1/keys/${ID}`]: { status: 204 },
      [`DELETE /v1/keys/${OTHER}`]: { status: 204 },
    })
    const { code, stdout } = await verdict(['keys', 'revoke', 'ci', OTHER], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${ID} revoked\n${OTHER} revoked\n` })
  })

  it.each([
    ['cii', 'no key is named "cii" (did you mean "ci"?)'],
    ['twice', '2 keys are named "twice"; say which by id'],
  ])('revokes nothing when %s is not clear', async (name, message) => {
    await using server = await scriptedServer({ 'GET /v1/keys': { json: { items, next: null } } })
    const { code, stderr } = await verdict(['keys', 'revoke', 'ci', name], { server })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(server.seen.filter(({ method }) => method === 'DELETE')).toEqual([])
  })
})
