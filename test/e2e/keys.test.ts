import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../support/e2e-stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(() => stage?.close())

describe('the first key', () => {
  it('is gone from the data folder once it was used, and is not made again at the next start', async () => {
    expect(existsSync(join(stage.dataDir, 'first-key'))).toBe(false)
    await stage.stopServer()
    await stage.startServer()
    expect(stage.server.firstKey).toBeUndefined()
    expect(stage.server.process.stdout).not.toContain('vdt_')
  })
})

describe('keys', () => {
  it('made by `verdict keys create` start runs, and are listed without being shown', async () => {
    const env = { VERDICT_API_KEY: await stage.makeKey('build', '--expires', '30d') }
    const cwd = await stage.suites({ keyed: { run: 'true' } })
    expect((await stage.verdict(['run'], { cwd, env })).exitCode).toBe(0)
    expect(await stage.runsOf('keyed')).toMatchObject([{ triggeredBy: { kind: 'key', name: 'build' } }])
    const reader = { VERDICT_API_KEY: await stage.makeKey('lister', '--scopes', 'keys:read,keys:write') }
    const listed = await stage.verdict(['keys', 'list', '--json'], { env: reader })
    const key = JSON.parse(listed.stdout).items.find((item: { name: string }) => item.name === 'build')
    expect(key).toMatchObject({
      start: env.VERDICT_API_KEY.slice(0, 8),
      scopes: expect.arrayContaining(['runs:write']),
    })
    const revoked = await stage.verdict(['keys', 'revoke', 'build'], { env: reader })
    expect(revoked.exitCode, revoked.stderr).toBe(0)
    const refused = await stage.verdict(['run'], { cwd, env })
    expect(refused.exitCode).toBe(3)
    expect(refused.stdout + refused.stderr).toMatch(/build[\s\S]*revoked/)
    expect(await stage.runsOf('keyed')).toHaveLength(1)
  })

  it.each([
    { what: 'none', key: '', says: /VERDICT_API_KEY is set but empty/ },
    { what: 'one that was cut off', key: `vdt_${'0'.repeat(20)}`, says: /24 characters instead of 40/ },
    { what: 'one with a typing error', key: `vdt_${'0'.repeat(36)}`, says: /checksum/ },
    { what: 'a token', key: 'eyJhbGciOiJFUzI1NiJ9', says: /token/ },
  ])('$what is refused without a word to the server', async ({ key, says }) => {
    const cwd = await stage.suites({ refused: { run: 'true' } })
    const ended = await stage.verdict(['run'], { cwd, env: { VERDICT_API_KEY: key } })
    expect(ended.exitCode).toBe(3)
    expect(ended.stderr).toMatch(says)
  })

  it('that may only read start nothing', async () => {
    const env = { VERDICT_API_KEY: await stage.makeKey('reader', '--scopes', 'runs:read,suites:read') }
    const cwd = await stage.suites({ unread: { run: 'true' } })
    const ended = await stage.verdict(['run'], { cwd, env })
    expect(ended.exitCode).toBe(3)
    expect(ended.stdout + ended.stderr).toMatch(/runs:write/)
  })
})

describe('login', () => {
  it('takes a key from standard input, tries it, and keeps it for this user alone', async () => {
    const config = await stage.newFolder()
    const key = await stage.makeKey('laptop')
    const env = { XDG_CONFIG_HOME: config, VERDICT_URL: '', VERDICT_API_KEY: '' }
    const wrong = await stage.verdict(['login', '--url', stage.url], { env, stdin: `vdt_${'0'.repeat(36)}\n` })
    expect(wrong.exitCode).toBe(3)
    const file = join(config, 'verdict/config.json')
    expect(existsSync(file)).toBe(false)

    const kept = await stage.verdict(['login', '--url', stage.url], { env, stdin: `${key}\n` })
    expect(kept.exitCode, kept.stderr).toBe(0)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ url: stage.url, apiKey: key })

    // An environment that is not there at all is like that of a person's terminal.
    const bare = { XDG_CONFIG_HOME: config, VERDICT_URL: undefined, VERDICT_API_KEY: undefined }
    const me = await stage.verdict(['whoami', '--json'], { env: bare })
    expect(me.exitCode, me.stderr).toBe(0)
    expect(JSON.parse(me.stdout)).toMatchObject({ credential: { kind: 'key', name: 'laptop' } })
  })
})
