import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { KEY, problem, runAnswer, runOf, type Scripted, scriptedServer } from '../client/scripted-server.ts'
import { ciTool } from '../support/ci-tools.ts'
import { TestProcess } from '../support/e2e-process.ts'
import { type CommandOptions, openStage, type Stage } from '../support/e2e-stage.ts'
import { STUBBORN } from '../support/e2e-tree.ts'
import { TestProxy } from '../support/proxy.ts'
import { freePort } from '../support/server.ts'
import { CANARY, NASTY_VALUES, NEWLINES } from './nasty-values.ts'

const SCRIPT = fileURLToPath(new URL('../../shell/verdict.sh', import.meta.url))
const JUNIT = `echo '<testsuite><testcase name="one"/><testcase name="two"><failure message="2 is not 3"/></testcase></testsuite>' > report.xml`
const SUITES = {
  good: { run: 'true' },
  bad: { run: JUNIT, report: 'report.xml' },
  loud: { run: 'echo "it is ::error:: here"; echo "::error::forged"; false' },
  empty: { run: 'true', report: 'none.xml' },
  slow: { run: STUBBORN },
  short: { run: 'sleep 30', timeout: '1s' },
  taking: { run: 'test "$state" = passed && false', variables: { state: '', VALUE: '' } },
  guarded: { run: 'echo "it is $SHOP_TOKEN"', secrets: ['SHOP_TOKEN'] },
}

/** What verdict.sh promises under any POSIX shell. `shell` is its command line. */
export function verdictShContract(shell: readonly [program: string, ...args: string[]]): void {
  let stage: Stage
  let temporary: string
  beforeAll(async () => {
    stage = await openStage({ env: { VERDICT_WORKER_SLOTS: '4' } })
    const key = await stage.makeKey('pusher', '--scopes', 'suites:write,suites:read,runs:write,runs:read')
    const cwd = await stage.suites(SUITES)
    const pushed = await stage.verdict(['suites', 'push'], { cwd, env: { VERDICT_API_KEY: key } })
    expect(pushed.exitCode, pushed.stderr).toBe(0)
    temporary = await stage.newFolder()
  })
  afterEach(async () => {
    expect(stage.leaks.found()).toEqual([])
    expect(await readdir(temporary), 'temporary files are left').toEqual([])
  })
  afterAll(() => stage?.close())

  function start(args: readonly string[], { cwd = stage.folder, env = {} }: CommandOptions = {}): TestProcess {
    const [program, ...words] = shell
    const command = new TestProcess({
      program: ciTool(program),
      args: [...words, SCRIPT, ...args],
      cwd,
      env: { HOME: stage.folder, TMPDIR: temporary, VERDICT_URL: stage.url, VERDICT_API_KEY: stage.key, ...env },
    })
    stage.leaks.output(`the output of verdict.sh ${args.join(' ')}`, () => command.stdout + command.stderr)
    return command
  }
  const run = (args: readonly string[], options?: CommandOptions) => start(['run', ...args], options).ended
  const scripted = (url: string, args: readonly string[] = ['smoke'], env: Record<string, string> = {}) =>
    run(args, { env: { VERDICT_URL: url, VERDICT_API_KEY: KEY, ...env } })

  /** A program of the test's own, first on PATH. */
  async function program(name: string, lines: readonly string[]): Promise<Record<string, string>> {
    const folder = await stage.newFolder()
    await writeFile(join(folder, name), ['#!/bin/sh', ...lines, ''].join('\n'))
    await chmod(join(folder, name), 0o755)
    return { PATH: `${folder}:${process.env.PATH}` }
  }
  /** Every look at the clock is 100 s after the one before: limits pass without waiting. */
  const fastClock = async () => {
    const file = join(await stage.newFolder(), 'now')
    return program('date', [`n=$(($(cat ${file} 2>/dev/null || echo 1000) + 100))`, `echo $n | tee ${file}`])
  }

  describe('the verdict', () => {
    it.each([
      { suite: 'good', exitCode: 0, says: /good passed: 1 tests, 0 failed/ },
      { suite: 'bad', exitCode: 1, says: /bad failed: 2 tests, 1 failed[\s\S]*- two: 2 is not 3/ },
      { suite: 'empty', exitCode: 1, says: /empty errored.*report/ },
      { suite: 'short', exitCode: 5, says: /short timed_out/ },
    ])('of $suite is exit code $exitCode', async ({ suite, exitCode, says }) => {
      const ended = await run([suite])
      expect(ended.exitCode, ended.stdout + ended.stderr).toBe(exitCode)
      expect(ended.stdout).toMatch(says)
    })

    it('comes with the end of the log where no test says what went wrong, as text and not as commands', async () => {
      const ended = await run(['loud'])
      expect(ended.exitCode, ended.stderr).toBe(1)
      expect(ended.stdout).toContain('  | it is ::error:: here')
      expect(ended.stdout).not.toMatch(/^::error/m)
    })

    it('is 6 when somebody else cancels', async () => {
      const command = start(['run', 'slow'])
      const id = await stage.runOf(command)
      await stage.wrote(id, 'begun')
      await stage.verdict(['cancel', id])
      expect((await command.ended).exitCode).toBe(6)
    })

    it('is not waited for with --no-wait', async () => {
      const ended = await run(['good', '--no-wait'])
      expect([ended.exitCode, ended.stdout]).toEqual([0, expect.stringMatching(/run_\w+ was accepted/)])
    })

    it('survives a restart of the server', async () => {
      const command = start(['run', 'slow', '--wait-timeout', '60s'])
      const id = await stage.runOf(command)
      await stage.wrote(id, 'begun')
      await stage.killServer()
      await stage.startServer()
      await command.says(/trying again/)
      await stage.client.runs.cancel(id)
      const ended = await command.ended
      expect(ended.exitCode, ended.stderr).toBe(6)
    })
  })

  describe('the JUnit file', () => {
    it("is the server's", async () => {
      const cwd = await stage.newFolder()
      expect((await run(['bad', '--junit-file=out/junit.xml'], { cwd })).exitCode).toBe(1)
      const text = await readFile(join(cwd, 'out/junit.xml'), 'utf8')
      const [latest] = await stage.runsOf('bad')
      expect(text).toBe(await stage.client.runs.junit(latest?.id ?? ''))
    })

    it('has an error in it where there is no verdict', async () => {
      const cwd = await stage.newFolder()
      const ended = await run(['slow', '--wait-timeout', '1s', '--junit-file', 'junit.xml'], { cwd })
      expect(ended.exitCode, ended.stderr).toBe(5)
      expect(await readFile(join(cwd, 'junit.xml'), 'utf8')).toMatch(
        /errors="1"[\s\S]*<error message="There was no verdict/,
      )
      expect(await stage.runsOf('slow')).toMatchObject([
        { state: 'cancelled' },
        ...(await stage.runsOf('slow')).slice(1),
      ])
    })

    it('that cannot be written is exit code 2', async () => {
      const ended = await run(['good', '--junit-file', '/dev/null/junit.xml'])
      expect(ended.exitCode).toBe(2)
      expect(ended.stderr).toMatch(/--junit-file/)
    })
  })

  describe('signals', () => {
    it.each([
      { signal: 'SIGINT', exitCode: 130 },
      { signal: 'SIGTERM', exitCode: 143 },
    ] as const)('$signal cancels the remote run and exits $exitCode in time', async ({ signal, exitCode }) => {
      const command = start(['run', 'slow'])
      const id = await stage.runOf(command)
      await stage.wrote(id, 'begun')
      const signalled = performance.now()
      command.signal(signal)
      const ended = await command.ended
      expect(ended.exitCode, ended.stderr).toBe(exitCode)
      expect(performance.now() - signalled).toBeLessThan(7_000)
      await expect(stage.client.runs.get(id)).resolves.toMatchObject({ state: 'cancelled' })
    })

    it('that come while the run is being made cancel it all the same', async () => {
      let signalled = () => {}
      const cancelled = { json: runOf({ state: 'cancelled' }), status: 202 }
      await using server = await scriptedServer({
        'POST /v1/runs': async () => {
          signalled()
          await new Promise((resolve) => setTimeout(resolve, 300))
          return { status: 202, json: runOf() }
        },
        'POST /v1/runs/run_01/cancel': cancelled,
      })
      const command = start(['run', 'smoke'], { env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY } })
      signalled = () => command.signal('SIGTERM')
      expect((await command.ended).exitCode).toBe(143)
      expect(server.of('POST /v1/runs/run_01/cancel')).toHaveLength(1)
    })

    it('that come between two requests are heeded at once', async () => {
      let answered = () => {}
      await using server = await scriptedServer({
        'POST /v1/runs': { status: 202, json: runOf() },
        // The first answer brings news and the signal; the next request would be held for long.
        'GET /v1/runs/run_01': (_, nth) => {
          if (nth > 1) return new Promise((resolve) => setTimeout(() => resolve({ status: 304 }), 20_000).unref())
          setTimeout(answered, 30)
          return runAnswer({ state: 'running', version: 2 })
        },
        'POST /v1/runs/run_01/cancel': { json: runOf({ state: 'cancelled', version: 3 }) },
      })
      const command = start(['run', 'smoke'], { env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY } })
      answered = () => command.signal('SIGINT')
      const ended = await command.ended
      expect(ended.exitCode, ended.stderr).toBe(130)
      expect(ended.durationMs).toBeLessThan(10_000)
    })

    it('that come before the trigger start nothing', async () => {
      const command = start(['run', 'good'], { env: { VERDICT_URL: `http://127.0.0.1:${await freePort()}` } })
      await command.says(/trying again/)
      command.signal('SIGTERM')
      expect((await command.ended).exitCode).toBe(143)
    })
  })

  describe('wrong use', () => {
    it.each([
      { args: [], says: /which suite/ },
      { args: ['good', 'bad'], says: /one suite at a time/ },
      { args: ['g*'], says: /no globs/ },
      { args: ['good', '--json'], says: /--json needs Node 20/ },
      { args: ['good', '--artifacts-dir', 'x'], says: /--artifacts-dir needs Node 20/ },
      { args: ['good', '--frob'], says: /--frob/ },
      { args: ['good', '--timeout', 'soon'], says: /--timeout takes a duration such as/ },
      { args: ['good', '--timeout'], says: /--timeout needs a value/ },
      { args: ['good', '--wait-timeout', '0s'], says: /--wait-timeout takes a duration/ },
      { args: ['good', '--variable', 'x'], says: /KEY=VALUE/ },
      { args: ['good', '--variable', '1x=2'], says: /no variable's name/ },
      { args: ['taking', '--variable', 'VALUE=1', '--variable', 'VALUE=2'], says: /VALUE is given twice/ },
      { args: ['good', '--secret', 'SHOP_TOKEN'], says: /the environment has no SHOP_TOKEN/ },
      { args: ['good', '--no-wait', '--junit-file', 'x'], says: /--no-wait leaves before/ },
      { args: ['good', '--directory', 'nowhere'], says: /--directory nowhere/ },
      { args: ['good', '--idempotency-key', 'a b'], says: /visible ASCII/ },
      { args: ['godo'], says: /godo.*good/ },
      { args: ['good', '--variable', 'OTHER=1'], says: /OTHER/ },
      { args: ['good', '--callback-url', 'nowhere'], says: /callbackUrl/ },
    ])('$args is exit code 2 and says what is wrong', async ({ args, says }) => {
      const ended = await run(args)
      expect(ended.exitCode, ended.stdout + ended.stderr).toBe(2)
      expect(ended.stderr).toMatch(says)
    })

    it('of another command is named', async () => {
      const ended = await start(['keys', 'list']).ended
      expect([ended.exitCode, ended.stderr]).toEqual([2, expect.stringMatching(/no command "keys" here/)])
    })

    it.each([
      ['', /no server is configured/],
      ['verdict.example.com', /must begin with https/],
      ['ftp://verdict.example.com', /must begin with https/],
      ['https://verdict.example.com/$(id)', /not an address/],
      ['https://me:p4ss@verdict.example.com', /no user name or password/],
      ['http://verdict.example.com', /plain http/],
      ['http://127.0.0.1.example.com', /plain http/],
    ])('of the address %j is exit code 2', async (VERDICT_URL, says) => {
      const ended = await run(['good'], { env: { VERDICT_URL } })
      expect([ended.exitCode, ended.stderr]).toEqual([2, expect.stringMatching(says)])
      expect(ended.stderr).not.toContain('p4ss')
    })
  })

  describe('a key', () => {
    it.each([
      ['none', undefined, /no key for http.*verdict keys create/],
      ['an empty one', '', /set but empty.*fork/],
      ['a token', 'eyJhbGciOi', /does not begin with vdt_/],
      ['one cut off', 'vdt_abc', /7 characters instead of 40/],
      ['one with an odd character', `vdt_${'a'.repeat(35)}"`, /characters that no key has/],
      ['one that is not known', KEY, /API key/],
    ])('%s is exit code 3 and says what to do', async (_, VERDICT_API_KEY, says) => {
      const ended = await run(['good'], { env: { VERDICT_API_KEY } })
      expect(ended.exitCode, ended.stderr).toBe(3)
      expect(ended.stderr).toMatch(says)
    })

    it('is never on a command line, nor in the environment of another program, nor is a token or a secret', async () => {
      const seen = join(await stage.newFolder(), 'seen')
      const SHOP_TOKEN = stage.leaks.secret('shop-token-0123456789')
      const curl = await program('curl', [`{ printf '%s\\n' "$@"; env; } >> ${seen}`, `exec ${ciTool('curl')} "$@"`])
      const ended = await run(['guarded', '--secret', 'SHOP_TOKEN'], { env: { ...curl, SHOP_TOKEN } })
      expect(ended.exitCode, ended.stderr).toBe(0)
      const text = await readFile(seen, 'utf8')
      expect(text).toContain('/oauth/token')
      expect(text).not.toMatch(/vdt_\w{10}|eyJ\w+\./)
      expect(text.replaceAll(`SHOP_TOKEN=${SHOP_TOKEN}`, '')).not.toContain(SHOP_TOKEN)
    })

    it('that is an argument is refused, and not repeated', async () => {
      for (const args of [['good', '--api-key', KEY], [KEY], ['good', `--variable=A=${KEY}`]]) {
        const ended = await run(args)
        expect([ended.exitCode, ended.stderr]).toEqual([2, expect.stringMatching(/a key is never an option/)])
        expect(ended.stderr).not.toContain(KEY)
      }
    })

    it('whose token has just ended cancels with a new one', async () => {
      let running = () => {}
      await using server = await scriptedServer({
        'POST /v1/runs': { status: 202, json: runOf() },
        'GET /v1/runs/run_01': ({ headers }) => {
          if (headers.authorization === 'Bearer token-2') return runAnswer({ state: 'cancelled', version: 3 })
          running()
          return new Promise((resolve) => setTimeout(() => resolve({ status: 304 }), 500))
        },
        'POST /v1/runs/run_01/cancel': ({ headers }) =>
          headers.authorization === 'Bearer token-1'
            ? problem(401, 'invalid_token')
            : { status: 202, json: runOf({ state: 'running', version: 2 }) },
      })
      const command = start(['run', 'smoke'], { env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY } })
      running = () => command.signal('SIGTERM')
      const ended = await command.ended
      expect([ended.exitCode, ended.stderr]).toEqual([143, expect.not.stringContaining('could not be seen')])
      expect(server.of('POST /v1/runs/run_01/cancel')).toHaveLength(2)
    })

    it('is not shown by a careless set -x', async () => {
      const [name, ...words] = shell
      const { url, key } = stage
      const command = new TestProcess({
        program: ciTool(name),
        args: [...words, '-x', SCRIPT, 'run', 'good'],
        cwd: stage.folder,
        env: { TMPDIR: temporary, VERDICT_URL: url, VERDICT_API_KEY: key },
      })
      const { exitCode, stderr } = await command.ended
      expect([exitCode, stderr.includes('vdt_'), stderr.includes('eyJ')]).toEqual([0, false, false])
    })
  })

  describe('values', () => {
    it.each([...NASTY_VALUES, NEWLINES])('with %s arrive as they are', async (_, value) => {
      const cwd = await stage.newFolder()
      const args = ['taking', '--no-wait', '--variable', `VALUE=${value}`, '--variable', 'state=passed']
      const ended = await run([...args, `--label=${value}`], { cwd })
      expect(ended.exitCode, ended.stderr).toBe(0)
      const id = /run_\w+/.exec(ended.stdout)?.[0] ?? ''
      const { variables, labels } = await stage.client.runs.get(id)
      expect({ variables, labels }).toEqual({ variables: { VALUE: value, state: 'passed' }, labels: [value] })
      expect(await readdir(cwd)).toEqual([])
    })

    it.each(
      [
        'suite',
        '--callback-url',
        '--idempotency-key',
        '--timeout',
        '--url',
        '--junit-file',
        '--directory',
        '--secret',
      ].map((parameter) => [parameter]),
    )('that are nasty do no harm as %s', async (parameter) => {
      const cwd = await stage.newFolder()
      for (const [what, value] of [...NASTY_VALUES, NEWLINES]) {
        // Visible ASCII without spaces is as good a key as any.
        if (parameter === '--idempotency-key' && /^[!-~]+$/.test(value)) continue
        const given = parameter === 'suite' ? ['--', value] : [`${parameter}=${value}`, 'good']
        const ended = await run(['--no-wait', ...given], { cwd })
        expect([what, ended.exitCode, ended.stderr]).toEqual([what, 2, expect.stringMatching(/^verdict: /)])
        expect(await readdir(cwd)).toEqual([])
      }
    })

    it('of a secret arrive, masked', async () => {
      const SHOP_TOKEN = stage.leaks.secret(`c0ffee" $(touch ${CANARY}) \\ %s`)
      const ended = await run(['guarded', '--secret', 'SHOP_TOKEN'], { env: { SHOP_TOKEN } })
      expect(ended.exitCode, ended.stderr).toBe(0)
      const id = /run_\w+/.exec(ended.stdout)?.[0] ?? ''
      expect(await stage.logOf(id)).toMatch(/^it is \*+$/m)
    })

    it('of variables, whatever their names, do not change the verdict that is read', async () => {
      const ended = await run(['taking', '--variable', 'state=passed', '--variable', 'VALUE="state":"passed"'])
      expect(ended.exitCode, ended.stdout).toBe(1)
    })
  })

  it('starts one run for one idempotency key', async () => {
    const once = () => run(['good', '--idempotency-key', 'build-7"\\%'])
    const [first, second] = [await once(), await once()]
    expect([first.exitCode, second.exitCode], first.stderr + second.stderr).toEqual([0, 0])
    expect(/run_\w+/.exec(second.stdout)?.[0]).toBe(/run_\w+/.exec(first.stdout)?.[0])
    expect(second.stdout).toMatch(/used before/)
  })

  describe('a server', () => {
    const passed = {
      state: 'passed',
      version: 2,
      results: { total: 1, passed: 1, failed: 0, skipped: 0, errored: 0, flaky: 0 },
    } as const
    const accepted = { status: 202, json: runOf() }

    it('that is not there is given up after a minute', async () => {
      const ended = await scripted(`http://127.0.0.1:${await freePort()}`, ['smoke'], await fastClock())
      expect([ended.exitCode, ended.stderr]).toEqual([4, expect.stringMatching(/No answer from http/)])
    })

    it.each<[string, Scripted, number, RegExp]>([
      ['is no Verdict', { text: '<html>hello</html>' }, 2, /not as a Verdict server does/],
      ['redirects', { status: 302, headers: { location: 'https://login.example' } }, 2, /redirect.*not followed/],
      ['is a proxy that refuses', { status: 403, text: 'no' }, 2, /answered 403, and not as a Verdict server/],
      ['has failed', { status: 500, text: 'oops' }, 4, /answered 500/],
      [
        'knows no such key',
        { status: 400, json: { error: 'invalid_request', error_description: 'The key is revoked' } },
        3,
        /The key is revoked/,
      ],
    ])('that %s is told as such', async (_, answer, exitCode, says) => {
      await using server = await scriptedServer({ 'POST /oauth/token': answer })
      const ended = await scripted(server.url)
      expect([ended.exitCode, ended.stderr]).toEqual([exitCode, expect.stringMatching(says)])
    })

    it('behind a proxy that refuses is told as such', async () => {
      const proxy = await new TestProxy({ refuse: 407 }).listen()
      const ended = await scripted('http://127.0.0.1:9', ['smoke'], { http_proxy: proxy.url })
      expect([ended.exitCode, ended.stderr]).toEqual([2, expect.stringMatching(/answered 407.*behind its proxy/)])
      expect(proxy.asked).toEqual([expect.stringContaining('/oauth/token')])
      await proxy.close()
    })

    it.each<[string, Scripted, number]>([
      ['403 of a locked suite', problem(403, 'suite_locked'), 2],
      ['403 of a scope', problem(403, 'insufficient_scope'), 3],
      ['401', problem(401, 'unauthorized'), 3],
      ['422', problem(422, 'secret_missing'), 2],
      ['500', problem(500, 'internal'), 4],
    ])('that answers the trigger with %s decides the exit code', async (_, answer, exitCode) => {
      await using server = await scriptedServer({ 'POST /v1/runs': answer })
      const ended = await scripted(server.url)
      expect([ended.exitCode, ended.stderr]).toEqual([exitCode, expect.stringContaining('detail of')])
    })

    it('of another version that does not take the call is told with both versions', async () => {
      await using server = await scriptedServer({ 'POST /v1/runs': problem(400, 'invalid_request') })
      const ended = await scripted(server.url)
      expect(ended.exitCode).toBe(2)
      expect(ended.stderr).toContain(
        `the server is of version 9.9.9, this verdict.sh of ${packageJson.version}: take the one`,
      )
    })

    it('that is busy is asked again, with the same idempotency key', async () => {
      await using server = await scriptedServer({
        'POST /v1/runs': (_, nth) =>
          nth < 3 ? problem(nth === 1 ? 429 : 503, 'unavailable', { headers: { 'retry-after': '0' } }) : accepted,
        'GET /v1/runs/run_01': runAnswer(passed),
      })
      const ended = await scripted(server.url)
      expect(ended.exitCode, ended.stderr).toBe(0)
      const keys = server.of('POST /v1/runs').map(({ headers }) => headers['idempotency-key'])
      expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}\/smoke$/), keys[0], keys[0]])
    })

    it('whose token ends in mid-wait is asked for a new one', async () => {
      await using server = await scriptedServer({
        'POST /v1/runs': accepted,
        'GET /v1/runs/run_01': ({ headers }) =>
          headers.authorization === 'Bearer token-1' ? problem(401, 'invalid_token') : runAnswer(passed),
      })
      const ended = await scripted(server.url)
      expect(ended.exitCode, ended.stderr).toBe(0)
      expect(server.of('POST /oauth/token')).toHaveLength(2)
    })

    it('that does not hold requests is not asked in a storm', async () => {
      let asked = 0
      await using server = await scriptedServer({
        'POST /v1/runs': accepted,
        'GET /v1/runs/run_01': () =>
          [{ status: 304 }, runAnswer({ state: 'queued', version: 1 })][asked++] ?? runAnswer(passed),
      })
      const ended = await scripted(server.url)
      expect(ended.exitCode, ended.stderr).toBe(0)
      expect(ended.durationMs).toBeGreaterThan(1_000)
    })

    it('that is at fault is no verdict: exit code 4', async () => {
      const reason = { code: 'worker_lost', message: 'The worker was lost', fault: 'service' } as const
      await using server = await scriptedServer({
        'POST /v1/runs': accepted,
        'GET /v1/runs/run_01': runAnswer({ state: 'errored', version: 2, reason }),
      })
      const ended = await scripted(server.url)
      expect([ended.exitCode, ended.stdout]).toEqual([4, expect.stringContaining('The worker was lost')])
    })
  })

  it('makes nothing in the working folder', async () => {
    const cwd = await stage.newFolder()
    await mkdir(join(cwd, 'here'))
    expect((await run(['good', '--directory', 'here', '--junit-file', 'junit.xml'], { cwd })).exitCode).toBe(0)
    expect([await readdir(cwd), await readdir(join(cwd, 'here'))]).toEqual([['here'], ['junit.xml']])
  })
}
