import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KEY, problem } from '../client/scripted-server.ts'
import { runServer, SMOKE } from '../gate/gate-world.ts'
import { job, server } from './job-world.ts'

const results = { total: 2, passed: 1, failed: 1, skipped: 0, errored: 0, flaky: 0 }
const FAILED = {
  state: 'failed',
  results,
  durationMs: 1234,
  reason: { code: 'tests_failed', message: '1 of 2 tests failed', fault: 'suite' },
} as const
const CASES = {
  'GET /v1/runs/run_smoke/cases': {
    json: {
      items: [
        {
          id: 1,
          name: 'adds ::error::forged',
          classname: null,
          testSuite: null,
          file: 'test/cart.test.js',
          line: 12,
          state: 'failed',
          durationMs: 3,
          message: 'expected 2',
          details: '::warning::forged\nat test/cart.test.js:12',
          flaky: false,
        },
      ],
      next: null,
    },
  },
}

describe('the Action, as GitHub runs it', () => {
  it('passes with the tests, says so in outputs and summary, and masks key and token before it logs', async () => {
    await using remote = await runServer({
      smoke: { state: 'passed', results: { ...results, passed: 2, failed: 0 }, durationMs: 50 },
    })
    await using step = await job(SMOKE)
    const { code, log, outputs, summary } = await step.run(server(remote.url))
    expect(log).toContain('Verdict: passed')
    expect(code).toBe(0)
    expect(outputs).toMatchObject({
      state: 'passed',
      'run-id': 'run_smoke',
      total: '2',
      passed: '2',
      failed: '0',
      'duration-ms': '50',
      'junit-file': '',
    })
    expect(summary).toContain('1 suite passed')
    const lines = log.split('\n')
    expect(lines[0]).toBe(`::add-mask::${KEY}`)
    expect(lines.filter((line) => line.includes(KEY) || line.includes('token-1'))).toEqual([
      lines[0],
      '::add-mask::token-1',
    ])
    expect(log).toMatch(/^smoke from this tree \(2 files\)$/m)
  })

  it('fails with the tests: annotated at file and line, summarised, as JUnit, and nothing of the tests is a command', async () => {
    await using remote = await runServer({ smoke: FAILED }, CASES)
    await using step = await job(SMOKE)
    const { code, log, outputs, summary } = await step.run({ ...server(remote.url), 'junit-file': 'out/report.xml' })
    expect(code).toBe(1)
    expect(outputs).toMatchObject({
      state: 'failed',
      total: '2',
      failed: '1',
      'junit-file': join(step.workspace, 'out/report.xml'),
    })
    const commands = log.split('\n').filter((line) => line.startsWith('::') && !line.startsWith('::add-mask::'))
    expect(commands).toEqual([expect.stringMatching(/^::error title=.*file=test\/cart\.test\.js,line=12/)])
    expect(summary).toContain('1 of 1 suite')
    expect(await readFile(outputs['junit-file']!, 'utf8')).toContain('adds ::error::forged')
  })

  it.each([
    ['a failed test', FAILED, 0, 'failed'],
    ['a run that timed out', { state: 'timed_out' }, 0, 'timed_out'],
    [
      "a suite's own fault",
      { state: 'errored', reason: { code: 'no_tests', message: 'No test ran', fault: 'suite' } },
      0,
      'errored',
    ],
    [
      'no verdict',
      { state: 'errored', reason: { code: 'worker_lost', message: 'The worker was lost', fault: 'service' } },
      1,
      'errored',
    ],
    ['a run that somebody cancelled', { state: 'cancelled' }, 1, 'cancelled'],
  ] as const)('with fail-on-failure: false, %s gives exit code', async (_, ending, expected, state) => {
    await using remote = await runServer({ smoke: ending })
    await using step = await job(SMOKE)
    const { code, outputs } = await step.run({ ...server(remote.url), 'fail-on-failure': 'false' })
    expect([code, outputs.state]).toEqual([expected, state])
  })

  it('only triggers with wait: false', async () => {
    await using remote = await runServer({ smoke: 'never' })
    await using step = await job(SMOKE)
    const { code, outputs, summary } = await step.run({ ...server(remote.url), wait: 'false' })
    expect([code, outputs.state, summary]).toEqual([0, 'queued', ''])
    // The runner's next phase, `post`.
    await step.run(server(remote.url))
    expect(remote.of('POST /v1/runs/run_smoke/cancel')).toHaveLength(0)
  })

  it('says what to do without a key on a pull request from a fork, and still gives outputs', async () => {
    await using step = await job(SMOKE)
    await step.setEvent({
      pull_request: { head: { repo: { full_name: 'eve/shop' } }, base: { repo: { full_name: 'acme/shop' } } },
    })
    const { code, log, outputs } = await step.run(
      { url: 'https://verdict.example' },
      { GITHUB_EVENT_NAME: 'pull_request' },
    )
    expect(code).toBe(1)
    expect(log).toContain('comes from a fork (eve/shop)')
    expect(outputs).toMatchObject({ state: 'errored', runs: '[]' })
  })

  it.each([
    ['a key that cannot be one', { 'api-key': 'vdt_short' }, 'the input `api-key` does not look like a Verdict key'],
    ['plain http to elsewhere', { url: 'http://verdict.example' }, 'the input `url` is plain http://verdict.example'],
    ['a suite that is not there', { suites: 'smok' }, 'There is no suite "smok"'],
    ['a working directory without a suite file', { 'working-directory': '/' }, 'There is no verdict.yaml'],
  ])('fails for %s with one clear error', async (_, wrong, message) => {
    await using remote = await runServer({})
    await using step = await job(SMOKE)
    const { code, log } = await step.run({ ...server(remote.url), ...wrong })
    expect(code).toBe(1)
    const errors = log.split('\n').filter((line) => line.startsWith('::error::'))
    expect(errors).toEqual([expect.stringContaining(message)])
    expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain('vdt_short')
  })

  it('passes secrets on, masked', async () => {
    await using remote = await runServer({})
    await using step = await job({ 'verdict.yaml': 'suites: { smoke: { run: "true", secrets: [SHOP_TOKEN] } }' })
    const { code, log } = await step.run({ ...server(remote.url), secrets: 'SHOP_TOKEN' }, { SHOP_TOKEN: 'hunter2' })
    expect(code).toBe(0)
    expect(log.match(/hunter2/g)).toHaveLength(1)
    expect(log).toContain('::add-mask::hunter2')
    expect(JSON.parse(remote.of('POST /v1/runs')[0]!.body.toString()).secrets).toEqual({ SHOP_TOKEN: 'hunter2' })
  })

  it('shows the end of the log when no test says what went wrong', async () => {
    const reason = { code: 'setup_failed', message: 'npm ci exited with 1\n::error::forged', fault: 'suite' } as const
    await using remote = await runServer(
      { smoke: { state: 'errored', reason } },
      {
        'GET /v1/runs/run_smoke/log': { text: `${'noise\n'.repeat(100)}npm ERR! 404\n::error::forged` },
      },
    )
    await using step = await job(SMOKE)
    const { log } = await step.run(server(remote.url))
    expect(log).toContain('  │ npm ERR! 404\n')
    expect(log.match(/noise/g)).toHaveLength(38)
    expect(log).not.toMatch(/^::error::forged/m)
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('cancels the remote runs on %s before it ends', async (signal) => {
    await using remote = await runServer({ smoke: 'never' })
    await using step = await job(SMOKE)
    const running = await step.start(server(remote.url))
    await running.until('run_smoke')
    const at = performance.now()
    running.child.kill(signal)
    const { code, log, outputs } = await running.end()
    expect(performance.now() - at).toBeLessThan(7_000)
    expect(log).toContain('The job was cancelled')
    expect([code, outputs.state]).toEqual([1, 'cancelled'])
    expect(remote.runs.get('run_smoke')?.state).toBe('cancelled')
  })

  it('cancels in post what a killed step left going, and does nothing there otherwise', async () => {
    await using remote = await runServer({ smoke: 'never' })
    await using step = await job(SMOKE)
    const running = await step.start(server(remote.url))
    await running.until('run_smoke')
    running.child.kill('SIGKILL')
    await running.end()
    const post = await step.run(server(remote.url))
    expect(post.log).toContain('run_smoke cancelled')
    expect(post.code).toBe(0)
    expect(remote.runs.get('run_smoke')?.state).toBe('cancelled')

    await using quiet = await job(SMOKE)
    await using other = await runServer({})
    await quiet.run(server(other.url))
    const before = other.seen.length
    expect((await quiet.run(server(other.url))).log).toBe('')
    expect(other.seen).toHaveLength(before)
  })

  it('does not fail the job in post when the server is away', async () => {
    await using remote = await runServer(
      { smoke: 'never' },
      { 'POST /v1/runs/run_smoke/cancel': problem(403, 'insufficient_scope') },
    )
    await using step = await job(SMOKE)
    const running = await step.start(server(remote.url))
    await running.until('run_smoke')
    running.child.kill('SIGKILL')
    await running.end()
    const post = await step.run(server(remote.url))
    expect(post.code).toBe(0)
    expect(post.log).toContain('run_smoke could not be cancelled, the server will do so itself')
  })
})
