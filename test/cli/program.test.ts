import { describe, expect, it } from 'vitest'
import { COMMANDS, cliOptions } from '../../cli/commands.ts'
import { VERSION } from '../../contract/version.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { KEY, problem, scriptedServer } from '../client/scripted-server.ts'
import { verdict } from './machine.ts'

describe('the program', () => {
  it('prints the version of the package', async () => {
    expect(VERSION).toBe(packageJson.version)
    expect(await verdict(['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' })
  })

  it('helps on standard output when asked to, with the exit codes', async () => {
    const { code, stdout, stderr } = await verdict(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('Exit codes:')
    for (const { name } of COMMANDS) expect(stdout).toContain(`  ${name.split(' ')[0]}`)
  })

  it.each([[[]], [['suites']], [['suites', 'secret']]])(
    'helps on standard error when %j is no command yet',
    async (argv) => {
      const { code, stdout, stderr } = await verdict(argv)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('Commands:')
    },
  )

  it.each(COMMANDS.map(({ name }) => name))('explains `%s` with an example and every option', async (name) => {
    const { code, stdout } = await verdict([...name.split(' '), '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`Examples:\n  `)
    expect(stdout).toMatch(new RegExp(`verdict ${name}`))
    for (const { command, long } of cliOptions()) if (command === name || command === '') expect(stdout).toContain(long)
  })

  it('lists every option, so that others can check the flags they use', () => {
    const options = cliOptions()
    expect(options).toContainEqual({ command: '', flags: '--json', long: '--json' })
    expect(options).toContainEqual({ command: 'logs', flags: '-f, --follow', long: '--follow', short: '-f' })
    expect(options.every(({ long }) => /^--[a-z][a-z-]+$/.test(long))).toBe(true)
  })

  it.each([
    ['an unknown command', ['kyes'], /unknown command 'kyes'\n\(Did you mean keys\?\)/],
    ['an unknown flag', ['runs', '--sute', 'x'], /unknown option '--sute'\n\(Did you mean --suite\?\)/],
    ['an unknown flag of all commands', ['runs', '--jsn'], /Did you mean --json\?/],
    ['a missing argument', ['logs'], /missing required argument 'run'/],
    ['too many arguments', ['whoami', 'x'], /too many arguments/],
    ['a flag without its value', ['runs', '--suite'], /argument missing/],
    ['a bad value', ['runs', '--limit', 'x'], /--limit.*whole number/],
    ['a state that there is not', ['runs', '--state', 'pased'], /no state "pased" \(did you mean "passed"\?\)/],
    [
      'a folder that is not there',
      ['whoami', '--directory', '/no/such'],
      /--directory \/no\/such: there is no such folder/,
    ],
    ['a key as a flag', ['whoami', '--api-key', 'x'], /--api-key: a key is never a flag: set VERDICT_API_KEY/],
    ['a key as a flag with =', ['whoami', '--token=hunter2'], /--token: a key is never a flag/],
    ['a key anywhere', ['keys', 'create', KEY], /API key on the command line/],
  ])('refuses %s with 2, says what and does nothing', async (_, argv, message) => {
    await using server = await scriptedServer({})
    const { code, stdout, stderr } = await verdict(argv, { server })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain(KEY)
    expect(stderr).not.toContain('hunter2')
    expect(server.seen).toEqual([])
  })

  it('gives failures as one object with --json', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': problem(403, 'insufficient_scope') })
    const { code, stdout, stderr } = await verdict(['whoami', '--json'], { server })
    expect(code).toBe(3)
    expect(stderr).toBe('verdict: detail of insufficient_scope\n')
    const error = {
      message: 'detail of insufficient_scope',
      exitCode: 3,
      code: 'insufficient_scope',
      status: 403,
      requestId: 'req-1',
      errors: [],
    }
    expect(JSON.parse(stdout)).toEqual({ error })
    expect(JSON.parse((await verdict(['runs', '--json', '--bad'])).stdout)).toMatchObject({ error: { exitCode: 2 } })
  })

  it('takes --json behind -- for no flag', async () => {
    const json = { id: 'key_1', name: 'ci', key: KEY, scopes: [], expiresAt: null }
    await using server = await scriptedServer({ 'POST /v1/keys': { status: 201, json } })
    const { code, stdout } = await verdict(['keys', 'create', '--', '--json'], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${KEY}\n` })
    expect(JSON.parse(server.of('POST /v1/keys')[0]!.body.toString())).toEqual({ name: '--json' })
  })

  it('tells people in words what is wrong with a line that has --json behind -- only', async () => {
    const { code, stdout, stderr } = await verdict(['whoami', '--', '--json'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('too many arguments')
  })

  it.each([
    ['no key', { VERDICT_URL: 'http://127.0.0.1:1' }, 3, 'no key for'],
    ['no server', {}, 2, 'no server is configured'],
    [
      'a key that is none',
      { VERDICT_URL: 'http://127.0.0.1:1', VERDICT_API_KEY: 'abc' },
      3,
      'does not look like a Verdict key',
    ],
    ['plain http', { VERDICT_URL: 'http://ci.example', VERDICT_API_KEY: KEY }, 2, 'use https://'],
    ['no address', { VERDICT_URL: 'ci.example', VERDICT_API_KEY: KEY }, 2, 'must begin with https://'],
  ])('stops before any request with %s', async (_, env, code, message) => {
    const outcome = await verdict(['whoami'], { env })
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
  })

  it.each([
    [401, 'invalid_token', 3],
    [403, 'suite_not_allowed', 3],
    [404, 'not_found', 2],
    [409, 'conflict', 2],
    [422, 'not_supported', 2],
    [500, 'internal', 4],
    [507, 'disk_full', 4],
  ])('answers %i %s of the server with exit code %i… as the wire says', async (status, code, exitCode) => {
    await using server = await scriptedServer({ 'GET /v1/me': problem(status, code) })
    expect((await verdict(['whoami'], { server })).code).toBe(exitCode)
  })

  it('takes a refused exchange for want of authority, and says so in the words of the server', async () => {
    const json = { error: 'invalid_request', error_description: 'the key ci was revoked on 2026-11-01: make a new one' }
    await using server = await scriptedServer({ 'POST /oauth/token': { status: 400, json } })
    expect(await verdict(['whoami'], { server })).toMatchObject({
      code: 3,
      stderr: `verdict: ${json.error_description}\n`,
    })
  })

  it('lets no answer of a server forge a line of the terminal', async () => {
    const detail = '\u001b[2Jfine\n::error::forged'
    await using server = await scriptedServer({ 'GET /v1/me': problem(403, 'insufficient_scope', { detail }) })
    const { stderr } = await verdict(['whoami'], { server })
    expect(stderr).not.toContain('\u001b')
    expect(stderr).not.toMatch(/^::/m)
  })
})
