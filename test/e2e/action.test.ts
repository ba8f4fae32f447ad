import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ActionStep, COMMIT, commandsOf, type StepOptions } from '../support/e2e-action.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { NODE_TESTS, STUBBORN, shop, suiteFile } from '../support/e2e-tree.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ env: { VERDICT_WORKER_SLOTS: '2' } })
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(() => stage?.close())

const step = (options: StepOptions) => ActionStep.prepare(stage, options)

describe('the Action', () => {
  it('passes with the tests, and tells later steps', async () => {
    const workspace = await stage.tree(shop())
    const good = await step({
      workspace,
      with: { suites: 'price', 'junit-file': 'junit.xml', labels: 'nightly, linux' },
    })
    const { exitCode, stdout } = await good.main()
    expect(exitCode, stdout).toBe(0)
    const outputs = await good.outputs()
    expect(outputs).toMatchObject({
      state: 'passed',
      total: '2',
      passed: '2',
      failed: '0',
      skipped: '0',
      'junit-file': join(workspace, 'junit.xml'),
    })
    expect(outputs['run-id']).toMatch(/^run_/)
    expect(Number(outputs['duration-ms'])).toBeGreaterThan(0)
    expect(await readFile(join(workspace, 'junit.xml'), 'utf8')).toMatch(/adds the tax/)
    expect(await good.summary()).toMatch(/price/)
    expect(commandsOf(stdout, 'error')).toEqual([])
    const [run] = JSON.parse(outputs.runs ?? '')
    expect(run).toMatchObject({
      labels: ['nightly', 'linux'],
      ci: {
        provider: 'github',
        repository: 'github.example.com/acme/shop',
        branch: 'main',
        commit: COMMIT,
      },
    })
    const post = await good.post()
    expect(post.exitCode, post.stdout).toBe(0)
    expect(post.stdout).toBe('')
  })

  it('fails with the tests, points at the line, and puts the failures into the summary', async () => {
    const workspace = await stage.tree(shop('net'))
    const bad = await step({ workspace })
    const { exitCode, stdout } = await bad.main()
    expect(exitCode, stdout).toBe(1)
    expect(await bad.outputs()).toMatchObject({ state: 'failed', total: '2', passed: '1', failed: '1' })
    const [error, ...others] = commandsOf(stdout, 'error')
    expect(error).toMatch(/file=test\/price\.test\.js/)
    expect(error).toMatch(/line=4/)
    expect(error).toMatch(/adds the tax/)
    expect(others).toEqual([])
    expect(await bad.summary()).toMatch(/adds the tax/)
  })

  it('masks the key and every token before anything else is said', async () => {
    const workspace = await stage.tree({ 'verdict.yaml': suiteFile({ quiet: { run: 'true' } }) })
    const { stdout } = await (await step({ workspace })).main()
    expect(stdout.split('\n')[0]).toBe(`::add-mask::${stage.key}`)
    expect(stdout).toMatch(/^::add-mask::eyJ/m)
  })

  it('passes on variables and secrets, and shows no secret', async () => {
    const value = stage.leaks.secret('action-secret-a1b2c3d4e5f6')
    const run = 'test "$WHERE" = "a=b,c" && test -n "$SHOP_TOKEN" && echo "with $SHOP_TOKEN"'
    const suite = { run, variables: { WHERE: 'nowhere' }, secrets: ['SHOP_TOKEN'] }
    const workspace = await stage.tree({ 'verdict.yaml': suiteFile({ given: suite }) })
    const given = await step({
      workspace,
      with: { variables: 'WHERE=a=b,c', secrets: 'SHOP_TOKEN' },
      env: { SHOP_TOKEN: value },
    })
    const { exitCode, stdout } = await given.main()
    expect(exitCode, stdout).toBe(0)
    expect(stdout).toContain(`::add-mask::${value}`)
    const id = (await given.outputs())['run-id'] ?? ''
    expect(await stage.logOf(id)).toMatch(/^with \*+$/m)
  })

  it('goes on with `fail-on-failure: false`, and tells by its outputs', async () => {
    const workspace = await stage.tree(shop('net'))
    const lenient = await step({ workspace, with: { 'fail-on-failure': 'false' } })
    expect((await lenient.main()).exitCode).toBe(0)
    expect(await lenient.outputs()).toMatchObject({ state: 'failed', failed: '1' })
  })

  it('does not wait with `wait: false`, and its post leaves the run alone', async () => {
    const suite = { run: 'sleep 2; echo ended' }
    const workspace = await stage.tree({ 'verdict.yaml': suiteFile({ unwaited: suite }) })
    const sent = await step({ workspace, with: { wait: 'false' } })
    expect((await sent.main()).exitCode).toBe(0)
    const { 'run-id': id = '', state } = await sent.outputs()
    expect(['queued', 'running']).toContain(state)
    expect((await sent.post()).exitCode).toBe(0)
    await expect(stage.client.runs.wait(id)).resolves.toMatchObject({ state: 'passed' })
  })

  it('gives one verdict over several suites, from a folder of the workspace', async () => {
    const workspace = await stage.tree({
      'shop/verdict.yaml': suiteFile({ good: { run: 'true' }, bad: NODE_TESTS }),
      'shop/b.test.js': "import { test } from 'node:test'\ntest('breaks', () => { throw new Error('no') })\n",
    })
    const both = await step({ workspace, with: { suites: 'good\nbad', 'working-directory': 'shop' } })
    const { exitCode, stdout } = await both.main()
    expect(exitCode, stdout).toBe(1)
    const outputs = await both.outputs()
    expect(JSON.parse(outputs.runs ?? '').map((run: { state: string }) => run.state)).toEqual(['passed', 'failed'])
    expect(outputs).toMatchObject({ state: 'failed' })
    expect(commandsOf(stdout, 'error')[0]).toMatch(/file=shop\/b\.test\.js/)
  })

  const fork = {
    name: 'pull_request',
    payload: {
      pull_request: {
        number: 7,
        head: { sha: 'a'.repeat(40), ref: 'theirs', repo: { full_name: 'them/shop' } },
        base: { ref: 'main', repo: { full_name: 'acme/shop' } },
      },
    },
  }
  it.each<Omit<StepOptions, 'workspace'> & { what: string; says: RegExp }>([
    { what: 'no key', with: { 'api-key': '' }, says: /no `api-key`: add a secret VERDICT_API_KEY/ },
    { what: 'no key on a fork', with: { 'api-key': '' }, event: fork, says: /comes from a fork \(them\/shop\)/ },
    { what: 'no address', with: { url: '' }, says: /no `url`/ },
    { what: 'a key that is none', with: { 'api-key': 'vdt_123' }, says: /api-key/ },
    { what: 'a wrong flag', with: { wait: 'yes please' }, says: /`wait` is neither true nor false/ },
    { what: 'a suite that is not there', with: { suites: 'pric' }, says: /pric/ },
  ])('says what to do about $what, and starts nothing', async ({ what: _, says, ...options }) => {
    const workspace = await stage.tree(shop())
    const before = (await stage.runsOf('price')).length
    const wrong = await step({ workspace, ...options })
    const { exitCode, stdout } = await wrong.main()
    expect(exitCode).toBe(1)
    expect(commandsOf(stdout, 'error').join('\n')).toMatch(says)
    expect(await wrong.outputs()).toMatchObject({ state: 'errored', 'run-id': '' })
    expect(await stage.runsOf('price')).toHaveLength(before)
    expect((await wrong.post()).exitCode).toBe(0)
  })
})

describe('a workflow that is cancelled', () => {
  it('cancels the remote run at SIGINT, whatever SIGTERM comes after it, before the kill would', async () => {
    const workspace = await stage.tree({ 'verdict.yaml': suiteFile({ 'stopped-int': { run: STUBBORN } }) })
    const cancelled = await step({ workspace })
    const main = cancelled.start()
    const id = await stage.runOf(main)
    await stage.wrote(id, 'begun')
    const signalled = performance.now()
    main.signal('SIGINT')
    main.signal('SIGTERM')
    const ended = await main.ended
    expect(ended.exitCode, ended.stdout).toBe(1)
    expect(performance.now() - signalled).toBeLessThan(7_500)
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({ state: 'cancelled' })
    expect(await cancelled.outputs()).toMatchObject({ state: 'cancelled', 'run-id': id })
    expect((await cancelled.post()).exitCode).toBe(0)
  })

  it('cancels the remote run in post when the step was killed', async () => {
    const workspace = await stage.tree({ 'verdict.yaml': suiteFile({ 'stopped-kill': { run: STUBBORN } }) })
    const killed = await step({ workspace })
    const main = killed.start()
    const id = await stage.runOf(main)
    await stage.wrote(id, 'begun')
    main.signal('SIGKILL')
    await main.ended
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({ state: 'running' })
    const post = await killed.post()
    expect(post.exitCode, post.stdout).toBe(0)
    expect(post.stdout).toContain(id)
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({
      state: 'cancelled',
      reason: { code: 'cancelled_by_user' },
    })
  })
})
