import { describe, expect, it } from 'vitest'
import { VERSION } from '../../contract/version.ts'
import { KEY, problem, type Scripted, scriptedServer } from '../client/scripted-server.ts'
import { verdict } from './machine.ts'

const DAY_MS = 86_400_000
const me = (more: object = {}) => ({
  user: { id: 'usr_1', kind: 'person', name: 'Ann', email: null },
  workspace: { id: 'wsp_1', name: "Ann's", role: 'owner' },
  credential: { kind: 'key', id: 'key_1', name: 'ci', expiresAt: new Date(Date.now() + 60 * DAY_MS).toISOString() },
  scopes: ['runs:read', 'runs:write', 'suites:read'],
  suites: null,
  expiresAt: '2026-11-20T00:15:00.000Z',
  ...more,
})
const ready = (more: Scripted = {}): Scripted => ({
  json: { status: 'ready', reasons: ['runner sandbox', 'suites run in bubblewrap'] },
  headers: { 'verdict-version': VERSION },
  ...more,
})

async function examined(script: Record<string, Scripted>, options: Parameters<typeof verdict>[1] = {}) {
  await using server = await scriptedServer({ 'GET /readyz': ready(), 'GET /v1/me': { json: me() }, ...script })
  const { code, stdout, stderr } = await verdict(['doctor', '--json'], { server, ...options })
  const { checks } = JSON.parse(stdout) as { checks: { check: string; state: string; message: string }[] }
  expect(stdout + stderr).not.toContain(KEY)
  return { code, checks, of: (check: string) => checks.find((one) => one.check === check) }
}

describe('doctor', () => {
  it('finds nothing wrong where all is well, a line a check', async () => {
    await using server = await scriptedServer({ 'GET /readyz': ready(), 'GET /v1/me': { json: me() } })
    const { code, stdout, stderr } = await verdict(['doctor'], { server })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/).slice(0, 2)),
    ).toEqual(
      ['settings', 'proxy', 'server', 'version', 'clock', 'key', 'scopes', 'runner'].map((check) => ['ok', check]),
    )
    expect(stdout).toContain(`${server.url} (VERDICT_URL), key from VERDICT_API_KEY`)
    expect(server.seen.map(({ method }) => method).filter((method) => method !== 'GET')).toEqual(['POST'])
  })

  it.each<[string, Record<string, Scripted>, check: string, says: RegExp]>([
    [
      'another version',
      { 'GET /readyz': ready({ headers: { 'verdict-version': '9.9.9' } }) },
      'version',
      /server is 9\.9\.9, this client is .*\/cli\/verdict\.mjs/,
    ],
    [
      'a clock that is behind',
      {
        'GET /readyz': ready({
          headers: { 'verdict-version': VERSION, date: new Date(Date.now() + 3_600_000).toUTCString() },
        }),
      },
      'clock',
      /3[56]\d\d s behind the server's/,
    ],
    [
      'a clock that is ahead',
      {
        'GET /readyz': ready({
          headers: { 'verdict-version': VERSION, date: new Date(Date.now() - 3_600_000).toUTCString() },
        }),
      },
      'clock',
      /3[56]\d\d s ahead of the server's/,
    ],
    [
      'no runner',
      { 'GET /readyz': ready({ json: { reasons: ['No suite runs in this process'] } }) },
      'runner',
      /No suite runs/,
    ],
    [
      'a key that ends soon',
      {
        'GET /v1/me': {
          json: me({
            credential: {
              kind: 'key',
              id: 'key_1',
              name: 'ci',
              expiresAt: new Date(Date.now() + DAY_MS).toISOString(),
            },
          }),
        },
      },
      'key',
      /make a new one in time/,
    ],
    [
      'a key that may not start runs',
      { 'GET /v1/me': { json: me({ scopes: ['runs:read'] }) } },
      'scopes',
      /also needs runs:write suites:read/,
    ],
  ])('warns of %s and exits 0', async (_, script, check, says) => {
    const { code, of } = await examined(script)
    expect(code).toBe(0)
    expect(of(check)).toMatchObject({ state: 'warning', message: expect.stringMatching(says) })
  })

  it('says for which suites a key is', async () => {
    expect((await examined({ 'GET /v1/me': { json: me({ suites: ['smoke'] }) } })).of('scopes')?.message).toMatch(
      /smoke only/,
    )
  })

  it.each<[string, Record<string, Scripted>, object, code: number, check: string, says: RegExp]>([
    [
      'a server that is not ready',
      { 'GET /readyz': { status: 503, json: { reasons: ['store: away'] } } },
      {},
      4,
      'server',
      /not ready: store: away/,
    ],
    [
      'something that is no Verdict',
      { 'GET /readyz': { raw: (response) => void response.end('hello') } },
      {},
      2,
      'server',
      /not as a Verdict server/,
    ],
    ['a connection that breaks', { 'GET /readyz': { reset: true } }, {}, 4, 'server', /127\.0\.0\.1/],
    [
      'a key that was revoked',
      {
        'POST /oauth/token': {
          status: 400,
          json: { error: 'invalid_request', error_description: 'the key ci was revoked' },
        },
      },
      {},
      3,
      'key',
      /was revoked/,
    ],
    [
      'a key without any right',
      { 'GET /v1/me': problem(403, 'insufficient_scope') },
      {},
      3,
      'key',
      /insufficient_scope/,
    ],
    ['no key', {}, { VERDICT_API_KEY: undefined }, 3, 'settings', /no key for|is set but empty/],
    [
      'a key that is none',
      {},
      { VERDICT_API_KEY: 'abc' },
      3,
      'key',
      /VERDICT_API_KEY does not look like a Verdict key/,
    ],
    ['an address that is none', {}, { VERDICT_URL: 'ci.example' }, 2, 'settings', /must begin with https/],
    ['no address', {}, { VERDICT_URL: '' }, 2, 'settings', /no server is configured/],
    ['a proxy that is none', {}, { HTTP_PROXY: 'socks5://proxy:1' }, 2, 'proxy', /no http\(s\) address/],
  ])('stops at %s', async (_, script, env, code, check, says) => {
    const outcome = await examined(script, { env: env as Record<string, string> })
    expect(outcome.code).toBe(code)
    expect(outcome.checks.at(-1)).toMatchObject({ check, state: 'failed', message: expect.stringMatching(says) })
  })

  it('names the proxy that is used, without its password', async () => {
    const { of } = await examined({}, { env: { HTTP_PROXY: 'http://ann:hunter2@127.0.0.1:9', NO_PROXY: '' } })
    expect(of('proxy')?.message).toBe('by http://127.0.0.1:9')
  })
})
