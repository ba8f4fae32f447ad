import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { type Files, NODE_TESTS, shop, suiteFile, writeFiles } from '../support/e2e-tree.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(() => stage?.close())

const SKIPPED = "import { test } from 'node:test'\ntest.skip('later', () => {})\n"
const BROKEN = "import { test } from 'node:test'\ntest('breaks', () => { throw new Error('the cart is empty') })\n"
const GREEN = '<testsuite><testcase name="a" classname="c"/></testsuite>'

describe('one suite, one verdict, one exit code', () => {
  it.each([
    {
      what: 'tests that pass',
      suite: NODE_TESTS,
      files: { 'a.test.js': "import { test } from 'node:test'\ntest('works', () => {})\n" },
      exitCode: 0,
      run: { state: 'passed', reason: null, results: { total: 1, passed: 1 } },
    },
    {
      what: 'a test that fails',
      suite: NODE_TESTS,
      files: { 'a.test.js': BROKEN },
      exitCode: 1,
      run: { state: 'failed', reason: { code: 'tests_failed', fault: 'suite' }, results: { total: 1, failed: 1 } },
    },
    {
      what: 'no tests at all',
      suite: { run: 'echo "<testsuites/>" > report.xml', report: 'report.xml' },
      exitCode: 1,
      run: { state: 'errored', reason: { code: 'no_tests', fault: 'suite' } },
    },
    {
      what: 'nothing but skipped tests',
      suite: NODE_TESTS,
      files: { 'a.test.js': SKIPPED },
      exitCode: 1,
      run: { state: 'errored', reason: { code: 'no_tests', fault: 'suite' }, results: { total: 1, skipped: 1 } },
    },
    {
      what: 'a report that was not written',
      suite: { run: 'true', report: 'report.xml' },
      exitCode: 1,
      run: { state: 'errored', reason: { code: 'report_missing', fault: 'suite' } },
    },
    {
      what: 'a report of the checkout, which is not one of this run',
      suite: { run: 'true', report: 'report.xml' },
      files: { 'report.xml': GREEN },
      exitCode: 1,
      run: { state: 'errored', reason: { code: 'report_missing', fault: 'suite' } },
    },
    {
      what: 'a report that is cut off',
      suite: { run: 'echo "<testsuite><testcase" > report.xml', report: 'report.xml' },
      exitCode: 1,
      run: { state: 'errored', reason: { code: 'report_invalid', fault: 'suite' } },
    },
    {
      what: 'a green report of a command that failed',
      suite: { run: `echo '${GREEN}' > report.xml; exit 3`, report: 'report.xml' },
      exitCode: 1,
      run: { state: 'failed', reason: { code: 'command_failed', fault: 'suite' } },
    },
    {
      what: 'a setup that fails',
      suite: { setup: 'echo no such package; exit 7', run: 'true' },
      exitCode: 1,
      run: { state: 'errored', reason: { code: 'setup_failed', fault: 'suite' } },
    },
    {
      what: 'a command that takes too long',
      suite: { run: 'sleep 60', timeout: '1s' },
      exitCode: 5,
      run: { state: 'timed_out', reason: { code: 'timeout', fault: null } },
    },
    {
      what: 'no report, judged by the command alone',
      suite: { run: 'true' },
      exitCode: 0,
      run: { state: 'passed', reason: null, results: { total: 1, passed: 1 } },
    },
  ])('$what: exit code $exitCode', async ({ suite, files = {}, exitCode, run }) => {
    const cwd = await stage.tree({ 'verdict.yaml': suiteFile({ one: suite }), ...(files as Files) })
    const ended = await stage.verdict(['run', '--json'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(exitCode)
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: run.state, runs: [run] })
  })

  it('limits a run by --timeout', async () => {
    const cwd = await stage.suites({ one: { run: 'sleep 60' } })
    const ended = await stage.verdict(['run', '--timeout', '1s', '--json'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(5)
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'timed_out', runs: [{ reason: { code: 'timeout' } }] })
  })

  it('cancels the remote run when --wait-timeout is over', async () => {
    const cwd = await stage.suites({ one: { run: 'sleep 60' } })
    const ended = await stage.verdict(['run', '--wait-timeout', '2s', '--json'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(5)
    const { state, runs } = JSON.parse(ended.stdout)
    expect(state).toBe('timed_out')
    await expect(stage.client.runs.get(runs[0].id)).resolves.toMatchObject({
      state: 'cancelled',
      reason: { code: 'cancelled_by_user' },
    })
  })

  it.each([
    { what: 'an unknown suite', args: ['run', 'pric'], exitCode: 2, says: /pric\b[\s\S]*price/ },
    { what: 'an unknown flag', args: ['run', '--stord'], exitCode: 2, says: /--stord[\s\S]*--stored/ },
    { what: 'an undeclared variable', args: ['run', '--variable', 'A=1'], exitCode: 2, says: /variable A/ },
    { what: 'an address that is none', args: ['run', '--url', 'ftp://x'], exitCode: 2, says: /https:\/\// },
  ])('starts nothing for $what', async ({ args, exitCode, says }) => {
    const cwd = await stage.tree(shop())
    const before = (await stage.runsOf('price')).length
    const ended = await stage.verdict(args, { cwd })
    expect(ended.exitCode).toBe(exitCode)
    expect(ended.stderr).toMatch(says)
    expect(await stage.runsOf('price')).toHaveLength(before)
  })
})

describe('what a build is told', () => {
  it('says in the first line what is tested, and at the end what failed and where', async () => {
    const cwd = await stage.tree(shop('net * 1.1'))
    const { exitCode, stdout } = await stage.verdict(['run'], { cwd })
    expect(exitCode).toBe(1)
    expect(stdout.split('\n')[0]).toBe('price from this tree (4 files)')
    expect(stdout).toMatch(/adds the tax/)
    expect(stdout).toMatch(/test\/price\.test\.js:4/)
    expect(stdout).not.toMatch(/keeps nothing at nothing/)
    expect(stdout).toMatch(/price .*failed/)
  })

  it('writes JUnit, summary and artifacts where it was told to', async () => {
    const suite = {
      ...NODE_TESTS,
      run: `mkdir -p shots/deep && echo picture > shots/deep/one.txt && ${NODE_TESTS.run}`,
      artifacts: ['shots/**'],
    }
    const cwd = await stage.tree({ ...shop('0'), 'verdict.yaml': suiteFile({ price: suite }) })
    const flags = ['--junit-file', 'out/junit.xml', '--summary-file', 'out/summary.md', '--artifacts-dir', 'out/files']
    const { exitCode, stderr } = await stage.verdict(['run', ...flags], { cwd })
    expect(exitCode, stderr).toBe(1)
    const junit = await readFile(join(cwd, 'out/junit.xml'), 'utf8')
    expect(junit).toMatch(/<testcase [^>]*name="adds the tax"[\s\S]*<failure/)
    const summary = await readFile(join(cwd, 'out/summary.md'), 'utf8')
    expect(summary).toMatch(/adds the tax/)
    expect(await readFile(join(cwd, 'out/files/price/shots/deep/one.txt'), 'utf8')).toBe('picture\n')
    // What was written can be read back, and says the same.
    const report = await stage.verdict(['report', 'out/junit.xml', '--json'], { cwd })
    expect(report.exitCode).toBe(1)
    expect(JSON.parse(report.stdout)).toMatchObject({ state: 'failed', results: { total: 2, passed: 1, failed: 1 } })
  })

  it('prints one JSON object on standard output and everything else on standard error', async () => {
    const cwd = await stage.tree(shop())
    const { stdout, stderr } = await stage.verdict(['run', '--json'], { cwd })
    const answer = JSON.parse(stdout)
    expect(Object.keys(answer)).toEqual(['state', 'runs'])
    expect(answer.runs[0]).toMatchObject({ suite: 'price', state: 'passed', source: { kind: 'upload' } })
    expect(stderr).toMatch(/^price from this tree/m)
    const id: string = answer.runs[0].id
    const listed = JSON.parse((await stage.verdict(['runs', '--suite', 'price', '--json'])).stdout)
    expect(listed.items.map((run: { id: string }) => run.id)).toContain(id)
    const waited = await stage.verdict(['wait', id, '--json'])
    expect(waited.exitCode).toBe(0)
    expect(JSON.parse(waited.stdout)).toMatchObject({ state: 'passed', runs: [{ id }] })
    const wrong = await stage.verdict(['run', 'nothing-like-it', '--json'], { cwd })
    expect(JSON.parse(wrong.stdout)).toMatchObject({ state: null, runs: [], error: { message: expect.any(String) } })
  })
})

describe('several at once', () => {
  it('gives one verdict over several suites, the gravest', async () => {
    const cwd = await stage.suites({
      good: { run: 'true' },
      late: { run: 'sleep 60', timeout: '1s' },
      bad: { run: 'false' },
    })
    const ended = await stage.verdict(['run', '--json'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(1)
    const { state, runs } = JSON.parse(ended.stdout)
    expect(state).toBe('failed')
    expect(runs.map((run: { suite: string; state: string }) => [run.suite, run.state])).toEqual([
      ['good', 'passed'],
      ['late', 'timed_out'],
      ['bad', 'failed'],
    ])
  })

  it('runs the suites that a glob names, under their full names', async () => {
    const cwd = await stage.newFolder()
    const suites = { 'smoke-a': { run: 'true' }, 'smoke-b': { run: 'true' }, other: { run: 'false' } }
    await writeFiles(cwd, { 'verdict.yaml': suiteFile(suites, 'shop') })
    const ended = await stage.verdict(['run', 'smoke-*', '--json'], { cwd })
    expect(ended.exitCode, ended.stderr).toBe(0)
    const { runs } = JSON.parse(ended.stdout)
    expect(runs.map((run: { suite: string }) => run.suite)).toEqual(['shop/smoke-a', 'shop/smoke-b'])
  })

  it('runs the same suite twice in one job as two runs', async () => {
    const cwd = await stage.suites({ twice: { run: 'true' } })
    const both = await Promise.all([1, 2].map(() => stage.verdict(['run', '--json'], { cwd })))
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    expect(new Set(both.map(({ stdout }) => JSON.parse(stdout).runs[0].id)).size).toBe(2)
    expect(await stage.runsOf('twice')).toHaveLength(2)
  })

  it('starts one run for one idempotency key, and says so the second time', async () => {
    const cwd = await stage.suites({ once: { run: 'true' } })
    const args = ['run', '--idempotency-key', 'build-1']
    const [first, second] = [await stage.verdict(args, { cwd }), await stage.verdict(args, { cwd })]
    expect([first.exitCode, second.exitCode]).toEqual([0, 0])
    expect(second.stdout).toMatch(/the run of an earlier call with this idempotency key/)
    expect(await stage.runsOf('once')).toHaveLength(1)
  })

  it('leaves at once with --no-wait, and another step waits', async () => {
    const cwd = await stage.suites({ later: { run: 'sleep 1; echo there; exit 4' } })
    const sent = await stage.verdict(['run', '--no-wait', '--json'], { cwd })
    expect(sent.exitCode, sent.stderr).toBe(0)
    const { state, runs } = JSON.parse(sent.stdout)
    expect(['queued', 'running']).toContain(state)
    const waited = await stage.verdict(['wait', runs[0].id])
    expect(waited.exitCode).toBe(1)
    const logs = await stage.verdict(['logs', runs[0].id])
    expect(logs.stdout).toMatch(/^there$/m)
  })
})
