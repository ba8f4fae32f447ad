import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { problem, runOf } from '../client/scripted-server.ts'
import { checkout } from './checkout.ts'
import { FAILED, gateServer, PASSED, TREE, triggers } from './gate-server.ts'
import { verdict } from './machine.ts'

describe('run, in a CI log', () => {
  it('says what runs from where, a line per change, and the verdict', async () => {
    await using server = await gateServer({ smoke: PASSED })
    const outcome = await verdict(['run', 'smoke'], { server, cwd: checkout(TREE) })
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    expect(outcome.stdout).toBe(
      [
        'smoke from this tree (1 file)',
        'smoke queued: run_smoke http://127.0.0.1/v1/runs/run_01',
        'smoke running',
        '✓ smoke passed: 2 passed in 3.2 s\n',
      ].join('\n'),
    )
  })

  it('shows failures and exits with 1, and no test output can forge a command', async () => {
    await using server = await gateServer({ smoke: FAILED })
    const { code, stdout } = await verdict(['run', 'smoke'], { server, cwd: checkout(TREE) })
    expect(code).toBe(1)
    expect(stdout).toContain('✗ cart > adds (test/cart.js:3)\n  │ 1 is not 2\n')
    expect(stdout).toMatch(/✗ smoke failed: 1 failed, 1 passed in 400 ms\n$/)
    expect(stdout).not.toContain('::error')
    expect(stdout).not.toContain('\u001b')
  })

  it('runs all suites of the file side by side to one verdict', async () => {
    await using server = await gateServer({ smoke: PASSED, slow: FAILED })
    const { code, stdout } = await verdict(['run'], { server, cwd: checkout(TREE) })
    expect(code).toBe(1)
    expect(stdout).toMatch(/\n2 suites: 1 passed, 1 failed\n$/)
    expect(
      triggers(server)
        .map(({ suite }) => suite)
        .sort(),
    ).toEqual(['slow', 'smoke'])
  })

  it('shows the end of the log where no test says what went wrong', async () => {
    const reason = { code: 'report_missing', message: 'There is no report.xml', fault: 'suite' } as const
    await using server = await gateServer({ smoke: { state: 'errored', version: 3, reason } })
    const { code, stdout } = await verdict(['run', 'smoke'], { server, cwd: checkout(TREE) })
    expect(code).toBe(1)
    expect(stdout).toContain('✗ smoke errored: There is no report.xml')
    expect(stdout).toContain('`verdict logs run_smoke` has all of it):\n  │ one\n  │ two\n')
  })

  it('sends what the flags say', async () => {
    await using server = await gateServer({ smoke: PASSED })
    const cwd = checkout({ ...TREE, 'verdict.yaml': TREE['verdict.yaml'].replace('secrets: []', 'secrets: [TOK]') })
    const flags = [
      '--variable',
      'TARGET=a=b,c',
      '--secret',
      'TOK',
      '--label',
      'nightly',
      '--label',
      'x',
      '--timeout',
      '10m',
    ]
    const more = ['--callback-url', 'https://ci.example/done', '--idempotency-key', 'build-7']
    const { code, stdout, stderr } = await verdict(['run', 'smoke', ...flags, ...more], {
      server,
      cwd,
      env: { TOK: 's3cret' },
    })
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain('s3cret')
    expect(triggers(server)[0]).toMatchObject({
      suite: 'smoke',
      variables: { TARGET: 'a=b,c' },
      secrets: { TOK: 's3cret' },
      labels: ['nightly', 'x'],
      timeoutSeconds: 600,
      callbackUrl: 'https://ci.example/done',
      abandonAfterSeconds: 120,
    })
    expect(server.of('POST /v1/runs')[0]?.headers['idempotency-key']).toBe('build-7/smoke')
  })

  it('says that a run is that of an earlier call', async () => {
    const headers = { 'idempotent-replayed': 'true' }
    await using server = await gateServer(
      { smoke: PASSED },
      { 'POST /v1/runs': { json: runOf({ id: 'run_smoke' }), headers } },
    )
    const { stdout } = await verdict(['run', 'smoke', '--idempotency-key', 'k'], { server, cwd: checkout(TREE) })
    expect(stdout).toContain('smoke queued: run_smoke, the run of an earlier call with this idempotency key')
  })

  it('works in the folder that --directory names', async () => {
    await using server = await gateServer({ smoke: PASSED })
    const folder = checkout(TREE)
    const argv = ['run', 'smoke', '--directory', folder, '--summary-file', 'out/summary.md']
    expect((await verdict(argv, { server, cwd: '/' })).code).toBe(0)
    expect(await readFile(join(folder, 'out/summary.md'), 'utf8')).toContain('smoke')
  })
})

describe('run --json', () => {
  it('prints one object and nothing else on standard output', async () => {
    await using server = await gateServer({ smoke: FAILED })
    const { code, stdout, stderr } = await verdict(['run', 'smoke', '--json'], { server, cwd: checkout(TREE) })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ state: 'failed', runs: [{ id: 'run_smoke', state: 'failed' }] })
    expect(JSON.parse(stdout)).not.toHaveProperty('error')
    expect(stderr).toContain('✗ smoke failed')
  })

  it('has the error where there is no verdict, before and after the start', async () => {
    await using server = await gateServer({}, { 'POST /v1/runs': problem(403, 'suite_not_allowed') })
    const cwd = checkout(TREE)
    const refused = await verdict(['run', 'smoke', '--json'], { server, cwd })
    expect(refused.code).toBe(3)
    expect(JSON.parse(refused.stdout)).toMatchObject({
      state: 'errored',
      runs: [],
      error: { code: 'suite_not_allowed', exitCode: 3 },
    })
    const unknown = await verdict(['run', 'smoek', '--stored', '--json'], { server, cwd })
    expect(JSON.parse(unknown.stdout)).toMatchObject({ state: null, runs: [], error: { exitCode: 2 } })
    const wrong = await verdict(['run', '--josn', '--json'], { server, cwd })
    expect(JSON.parse(wrong.stdout)).toMatchObject({ state: null, runs: [], error: { exitCode: 2 } })
  })
})

describe('what a run leaves in files', () => {
  it('is JUnit, a summary and artifacts, each told', async () => {
    const junit = '<?xml version="1.0"?>\n<testsuites><testsuite name="cart"/></testsuites>\n'
    const sha256 = 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'
    await using server = await gateServer(
      { smoke: { ...FAILED, artifacts: 1 } },
      {
        'GET /v1/runs/run_smoke/junit': { text: junit },
        'GET /v1/runs/run_smoke/artifacts': {
          json: { items: [{ path: 'shot/a.png', bytes: 1, sha256, url: '' }], next: null },
        },
        'GET /v1/runs/run_smoke/artifacts/shot%2Fa.png': { text: 'a' },
      },
    )
    const cwd = checkout(TREE)
    const argv = [
      'run',
      'smoke',
      '--junit-file',
      'out/r.xml',
      '--summary-file',
      'out/s.md',
      '--artifacts-dir',
      'out/kept',
    ]
    const { code, stdout } = await verdict(argv, { server, cwd })
    expect(code).toBe(1)
    expect(stdout).toMatch(/wrote out\/r.xml\nwrote out\/s.md\n1 artifact in out\/kept\n$/)
    expect(await readFile(join(cwd, 'out/r.xml'), 'utf8')).toBe(junit)
    expect(await readFile(join(cwd, 'out/s.md'), 'utf8')).toContain('1 is not 2')
    expect(await readFile(join(cwd, 'out/kept/smoke/shot/a.png'), 'utf8')).toBe('a')
  })

  it('is added to the file of a GitHub step', async () => {
    await using server = await gateServer({ smoke: PASSED })
    const cwd = checkout(TREE)
    const file = join(cwd, 'step.md')
    await writeFile(file, 'before\n')
    await verdict(['run', 'smoke', '--summary-file', file], { server, cwd, env: { GITHUB_STEP_SUMMARY: file } })
    expect(await readFile(file, 'utf8')).toMatch(/^before\n[\s\S]*smoke/)
  })

  it('is missed loudly: exit code 2, with the verdict printed', async () => {
    await using server = await gateServer({ smoke: PASSED })
    const { code, stdout, stderr } = await verdict(['run', 'smoke', '--summary-file', 'a.txt/s.md'], {
      server,
      cwd: checkout(TREE),
    })
    expect(code).toBe(2)
    expect(stdout).toContain('✓ smoke passed')
    expect(stderr).toContain('--summary-file a.txt/s.md cannot be written')
  })
})

describe('run --no-wait', () => {
  it('leaves once the runs are accepted, and says how to wait', async () => {
    await using server = await gateServer({ smoke: PASSED })
    const { code, stdout } = await verdict(['run', 'smoke', '--no-wait'], { server, cwd: checkout(TREE) })
    expect(code).toBe(0)
    expect(stdout).toMatch(/`verdict wait run_smoke` waits for the verdict\n$/)
    expect(triggers(server)[0]).not.toHaveProperty('abandonAfterSeconds')
    expect(server.of('GET /v1/runs/run_smoke')).toEqual([])
  })

  it.each([
    [['--junit-file', 'r.xml'], '--junit-file'],
    [['--summary-file', 's.md'], '--summary-file'],
    [['--artifacts-dir', 'a'], '--artifacts-dir'],
    [['--wait-timeout', '1m'], '--wait-timeout'],
  ])('takes no %j, since there is nothing yet', async (flags, flag) => {
    await using server = await gateServer({})
    const { code, stderr } = await verdict(['run', 'smoke', '--no-wait', ...flags], { server, cwd: checkout(TREE) })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `verdict: --no-wait leaves before there are results: give ${flag} to \`verdict wait\`\n`,
    })
  })
})

describe('run, used wrongly', () => {
  it.each([
    ['a variable without =', ['--variable', 'TARGET'], 'KEY=VALUE'],
    ['a variable twice', ['--variable', 'A=1', '--variable', 'A=2'], 'A is given twice'],
    ['a variable that the suite does not declare', ['--variable', 'OTHER=1'], 'declares the variable OTHER'],
    ['a secret’s value', ['--secret', 'TOK=hunter2'], 'a secret is never a flag'],
    ['a secret that is not there', ['--secret', 'TOK'], 'the environment has no TOK'],
    ['an empty secret', ['--secret', 'EMPTY'], 'EMPTY is empty'],
    ['a bad duration', ['--timeout', '10'], 'a duration such as'],
    ['an unknown suite', ['smkoe'], 'smkoe'],
  ])('starts nothing with %s', async (_, flags, message) => {
    await using server = await gateServer({}, { 'GET /v1/suites': { json: { items: [], next: null } } })
    const { code, stderr } = await verdict(['run', 'smoke', ...flags], {
      server,
      cwd: checkout(TREE),
      env: { EMPTY: '' },
    })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('hunter2')
    expect(triggers(server)).toEqual([])
  })

  it('names line and column of what is wrong in the suite file', async () => {
    await using server = await gateServer({})
    const cwd = checkout({ 'verdict.yaml': 'suites:\n  smoke: { rnu: npm test }\n' })
    const { code, stderr } = await verdict(['run'], { server, cwd })
    expect(code).toBe(2)
    expect(stderr).toMatch(/verdict\.yaml:2:\d+: .*"rnu".*did you mean "run"/)
  })

  it('says how to configure a server', async () => {
    const { code, stderr } = await verdict(['run'], { cwd: checkout(TREE) })
    expect(code).toBe(2)
    expect(stderr).toContain('set VERDICT_URL')
  })
})
