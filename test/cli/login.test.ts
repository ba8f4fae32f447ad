import { readFile, stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { configPath } from '../../cli/config.ts'
import type { Me } from '../../contract/me.ts'
import { KEY, problem, scriptedServer, tokenAnswer } from '../client/scripted-server.ts'
import { machine, verdict } from './machine.ts'

const ME: Me = {
  user: { id: 'usr_1', kind: 'person', name: 'Ann', email: null },
  workspace: { id: 'wsp_1', name: "Ann's", role: 'owner' },
  credential: { kind: 'key', id: 'key_1', name: 'ci', expiresAt: '2027-01-30T00:00:00.000Z' },
  scopes: ['runs:read', 'runs:write'],
  suites: null,
  expiresAt: '2026-11-20T00:15:00.000Z',
}

describe('login', () => {
  it('tries a piped key, keeps it for its owner alone, and later commands use it', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': { json: ME } })
    const { code, stdout, home } = await verdict(['login', '--url', `${server.url}/`], { stdin: `${KEY}\n` })
    expect(code).toBe(0)
    expect(stdout).toContain('Ann')
    expect(stdout).not.toContain(KEY)
    const path = configPath({}, home)
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ url: server.url, apiKey: KEY })
    expect((await stat(path)).mode & 0o777).toBe(0o600)

    const later = await verdict(['whoami'], { home })
    expect(later).toMatchObject({ code: 0, stdout: expect.stringContaining(`key from    ${path}`) })
  })

  it('asks for address and key at a terminal and shows neither key nor token', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': { json: ME } })
    const on = machine({ terminal: true })
    const done = on.run('login')
    on.type(`${server.url}\n`)
    await expect.poll(on.stderr).toContain('API key (not shown): ')
    on.type(`${KEY}\r`)
    expect(await done).toBe(0)
    expect(on.stdout() + on.stderr()).not.toContain(KEY)
  })

  it.each([
    ['a key that is none', { stdin: 'abc\n' }, 3, 'what was given does not look like a Verdict key'],
    ['no key', { stdin: '' }, 2, 'no API key was given'],
    ['an address that is none', { stdin: KEY, url: 'ci.example' }, 2, '--url is not an address'],
  ])('keeps nothing with %s', async (_, { stdin, url }: { stdin: string; url?: string }, code, message) => {
    await using server = await scriptedServer({})
    const outcome = await verdict(['login', '--url', url ?? server.url], { stdin })
    expect(outcome).toMatchObject({ code, stderr: expect.stringContaining(message) })
    await expect(stat(configPath({}, outcome.home))).rejects.toThrow('ENOENT')
  })

  it('keeps nothing when the server refuses the key', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': problem(403, 'insufficient_scope') })
    const outcome = await verdict(['login', '--url', server.url], { stdin: KEY })
    expect(outcome.code).toBe(3)
    await expect(stat(configPath({}, outcome.home))).rejects.toThrow('ENOENT')
  })

  it('needs an address where nobody can be asked', async () => {
    expect(await verdict(['login'], { stdin: KEY })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('which server?'),
    })
  })

  it('says which variables go before what it kept', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': { json: ME } })
    const { stderr } = await verdict(['login'], { server, stdin: KEY })
    expect(stderr).toContain('VERDICT_API_KEY is set and goes before')
  })
})

describe('whoami', () => {
  it('says who, where and until when', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': { json: { ...ME, suites: ['smoke'] } } })
    const { stdout } = await verdict(['whoami'], { server })
    expect(stdout).toBe(
      [
        `server      ${server.url}`,
        'user        Ann',
        "workspace   Ann's (owner)",
        'key         ci (key_1), expires 2027-01-30',
        'may         runs:read runs:write',
        'suites      smoke',
        'key from    VERDICT_API_KEY\n',
      ].join('\n'),
    )
    expect(JSON.parse((await verdict(['whoami', '--json'], { server })).stdout)).toMatchObject({
      user: { id: 'usr_1' },
    })
  })

  it('warns of a key that expires within 14 days, once and not on standard output', async () => {
    const soon = new Date(Date.now() + 13 * 86_400_000).toISOString()
    await using server = await scriptedServer({
      'POST /oauth/token': { json: tokenAnswer('t', 900, soon) },
      'GET /v1/me': { json: ME },
    })
    const { stdout, stderr } = await verdict(['whoami'], { server })
    expect(stderr).toMatch(
      new RegExp(`^warning: The API key expires on ${soon.slice(0, 10)}: .*\`verdict keys create\`.*\n$`),
    )
    expect(stdout).not.toContain('warning')
  })
})
