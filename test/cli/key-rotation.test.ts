import { describe, expect, it } from 'vitest'
import { KEY, scriptedServer } from '../client/scripted-server.ts'
import { verdict } from './machine.ts'

const ID = 'key_01jd3v9q8m7x5k2r4t6w8y0zab'
const NEW = 'key_01jd3v9q8m7x5k2r4t6w8y0zac'
const key = (fields: object = {}) => ({
  ...{ id: ID, name: 'ci', description: null, user: 'usr_1', workspace: 'wsp_1', scopes: ['runs:read'], suites: null },
  ...{
    allowedIps: ['10.0.0.0/8'],
    audiences: null,
    limits: { perMinute: 5, perDay: null },
    replaces: null,
    replacedBy: null,
  },
  ...{ start: 'vdt_0707', end: 'abcd', createdAt: '2026-11-01T00:00:00.000Z', expiresAt: '2027-01-30T00:00:00.000Z' },
  ...{ revokedAt: null, lastUsedAt: '2026-11-02T00:00:00.000Z', lastUsedFrom: '10.0.0.7' },
  ...fields,
})
const rotation = `POST /v1/keys/${ID}/rotate`
const bodyOf = (server: Awaited<ReturnType<typeof scriptedServer>>, route: string) =>
  JSON.parse(server.of(route)[0]!.body.toString())

describe('keys rotate', () => {
  it.each([
    [[], {}, 'until the new one is first used'],
    [['--grace', '0'], { graceSeconds: 0 }, 'goes on no more'],
    [['--grace', '7d'], { graceSeconds: 604_800 }, 'for 604800 s'],
    [
      ['--grace', '1h', '--until-first-use'],
      { graceSeconds: 3600, untilFirstUse: true },
      'until the new one is first used',
    ],
  ])('with %j prints the new key alone, and says how the old one goes on', async (flags, body, says) => {
    const json = key({ id: NEW, key: KEY, replaces: ID })
    await using server = await scriptedServer({ [rotation]: { status: 201, json } })
    const { code, stdout, stderr } = await verdict(['keys', 'rotate', ID, ...flags], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${KEY}\n` })
    expect(stderr).toContain(`(${NEW}) replaces ${ID}`)
    expect(stderr).toContain(says)
    expect(bodyOf(server, rotation)).toEqual(body)
    expect(server.of(rotation)[0]!.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('finds a key by its name: of one that was replaced, its successor', async () => {
    const items = [key(), key({ id: NEW, name: 'ci', replacedBy: ID })]
    const routes = {
      'GET /v1/keys': { json: { items, next: null } },
      [rotation]: { status: 201, json: key({ id: NEW, key: KEY }) },
    }
    await using server = await scriptedServer(routes)
    expect((await verdict(['keys', 'rotate', 'ci'], { server })).code).toBe(0)
  })

  it.each([['8d'], ['-1'], ['soon'], ['1.5h']])('takes no grace of %s', async (grace) => {
    await using server = await scriptedServer({})
    expect((await verdict(['keys', 'rotate', ID, `--grace=${grace}`], { server })).code).toBe(2)
  })
})

describe('keys show and usage', () => {
  it('tells what a key may do and when it was used from where', async () => {
    await using server = await scriptedServer({ [`GET /v1/keys/${ID}`]: { json: key() } })
    const { stdout } = await verdict(['keys', 'show', ID], { server })
    expect(stdout).toContain('from        10.0.0.0/8')
    expect(stdout).toContain('calls       5 a minute')
    expect(stdout).toContain('used        2026-11-02 00:00 from 10.0.0.7')
    expect(stdout).not.toContain('audiences')
  })

  it('lists what was done by day', async () => {
    const line = {
      day: '2026-11-02',
      user: 'usr_1',
      externalId: null,
      exchanges: 1,
      calls: 2,
      runs: 3,
      runSeconds: 4.4,
    }
    const me = { user: { id: 'usr_1' }, workspace: { id: 'wsp_1', name: 'w' } }
    await using server = await scriptedServer({
      'GET /v1/me': { json: me },
      'GET /v1/usage': { json: { items: [line], next: null } },
    })
    const { stdout } = await verdict(['keys', 'usage', ID, '--since', '2026-11-01'], { server })
    expect(stdout).toMatch(/^DAY \(UTC\) +EXCHANGES +CALLS +RUNS +RUN SECONDS$/m)
    expect(stdout).toMatch(/^2026-11-02 +1 +2 +3 +4$/m)
    expect(server.of('GET /v1/usage')[0]!.path).toContain(`key=${ID}`)
  })
})

describe('keys create', () => {
  it('sends addresses, audiences and limits', async () => {
    await using server = await scriptedServer({ 'POST /v1/keys': { status: 201, json: key({ key: KEY }) } })
    const flags = ['--allowed-ips', '10.0.0.0/8,192.0.2.1', '--audiences', 'https://api.example', '--per-day', '50']
    await verdict(['keys', 'create', 'ci', ...flags], { server })
    expect(bodyOf(server, 'POST /v1/keys')).toEqual({
      name: 'ci',
      allowedIps: ['10.0.0.0/8', '192.0.2.1'],
      audiences: ['https://api.example'],
      limits: { perDay: 50 },
    })
  })
})
