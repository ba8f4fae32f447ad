import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { TestProcess } from '../support/e2e-process.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { NODE_TESTS } from '../support/e2e-tree.ts'
import { launchWorker, startWorkerProcess } from '../support/e2e-worker.ts'
import { workOver } from '../support/http-worker.ts'

// A server that runs nothing itself, and workers in processes of their own that know its address and their keys. Each test
// has workers with labels of its own, so that most run side by side with the slow ones, which wait for a lease to end.

let stage: Stage
const processes: TestProcess[] = []
beforeAll(async () => {
  stage = await openStage({ env: { VERDICT_ROLES: 'api', VERDICT_TEST_LEASE_SECONDS: '10' } })
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(async () => {
  for (const one of processes) one.kill()
  await Promise.all(processes.map((one) => one.ended))
  await stage?.close()
})

const newLabel = () => `w-${randomUUID().slice(0, 8)}`

async function worker(label: string) {
  const started = await startWorkerProcess(stage, label)
  processes.push(started.process)
  return started
}

/** A waiting client of one suite for workers of the label. */
async function client(label: string, definition: object) {
  const cwd = await stage.suites({ [label]: { runsOn: [label], ...definition } })
  const command = stage.start(['run', '--json'], { cwd })
  return { command, id: await stage.runOf(command) }
}

async function result(command: TestProcess) {
  const { exitCode, stdout, stderr } = await command.ended
  expect(stdout, stderr).not.toBe('')
  return { exitCode, ...JSON.parse(stdout) }
}

/** Goes on for long in its first try, and ends at once in the second. */
const AT_FIRST = (first: string) => `echo "try $VERDICT_ATTEMPT"; if [ "$VERDICT_ATTEMPT" = 1 ]; then ${first}; fi`
/** Shell that waits for its own end, and ends by itself should nobody see to it. */
const WAIT = 'n=0; while [ $n -lt 240 ]; do n=$((n + 1)); sleep 0.5; done'

describe('two workers of a server that has none inside', () => {
  it('run what is theirs, with tree, report and artifacts, and the build fails exactly when the tests do', async () => {
    const [left, right] = [newLabel(), newLabel()]
    await worker(left)
    await worker(right)
    const cwd = await stage.tree({
      'verdict.yaml': JSON.stringify({
        suites: {
          good: { ...NODE_TESTS, files: ['good.test.js'], runsOn: [left], artifacts: 'report.xml' },
          bad: { ...NODE_TESTS, files: ['bad.test.js'], runsOn: [right] },
        },
      }),
      'good.test.js': "require('node:test')('adds', () => {})",
      'bad.test.js': "require('node:test')('breaks', () => { throw new Error('broken') })",
    })
    const { exitCode, runs } = await result(stage.start(['run', '--json'], { cwd }))
    expect(exitCode).toBe(1)
    expect(runs.map(({ suite, state }: { suite: string; state: string }) => [suite, state]).sort()).toEqual([
      ['bad', 'failed'],
      ['good', 'passed'],
    ])
    const good = runs.find(({ suite }: { suite: string }) => suite === 'good')
    expect(good).toMatchObject({ artifacts: 1, results: { total: 1, passed: 1 } })
  })

  it('stop a cancelled run within 2 s', async () => {
    const label = newLabel()
    await worker(label)
    const { command, id } = await client(label, { run: `echo begun; ${WAIT}` })
    await stage.wrote(id, 'begun')
    const asked = performance.now()
    await stage.client.runs.cancel(id)
    await stage.client.runs.wait(id)
    expect(performance.now() - asked).toBeLessThan(2000)
    expect(await result(command)).toMatchObject({ exitCode: 6, state: 'cancelled' })
  })

  it('show what they are and run', async () => {
    const label = newLabel()
    const { id: workerId } = await worker(label)
    const { command, id } = await client(label, { run: `echo begun; ${WAIT}` })
    await stage.wrote(id, 'begun')
    for await (const shown of stage.client.workers.list())
      if (shown.id === workerId)
        expect(shown).toMatchObject({
          labels: expect.arrayContaining([label]),
          running: [{ run: id, suite: label, attempt: 1 }],
          runner: expect.stringMatching(/^(sandbox|process)$/),
          version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        })
    command.signal('SIGTERM')
    await command.ended
  })
})

describe.concurrent('a run whose worker is gone', { timeout: 120_000 }, () => {
  it('starts anew on another one after the lease, when the worker was killed', async ({ expect }) => {
    const label = newLabel()
    const first = await worker(label)
    const { command, id } = await client(label, { run: AT_FIRST(WAIT) })
    await stage.wrote(id, 'try 1')
    first.process.kill()
    await worker(label)
    const { exitCode, runs } = await result(command)
    expect(exitCode).toBe(0)
    expect(runs).toMatchObject([{ id, state: 'passed', attempt: 2 }])
    expect(await stage.logOf(id)).toContain('try 2')
  })

  it('keeps the verdict of the other when the frozen worker comes back with one of its own', async ({ expect }) => {
    const label = newLabel()
    const frozen = await worker(label)
    const { command, id } = await client(label, { run: AT_FIRST('sleep 3; exit 1') })
    await stage.wrote(id, 'try 1')
    frozen.process.signal('SIGSTOP')
    const other = await worker(label)
    const { exitCode, runs } = await result(command)
    expect(exitCode).toBe(0)
    expect(runs).toMatchObject([{ id, state: 'passed', attempt: 2 }])
    const final = await stage.client.runs.get(id)
    await stage.client.workers.remove(other.id)
    await other.process.ended
    frozen.process.signal('SIGCONT')
    // Its one slot is free again only once it is done with the old run and has said of it all that it will.
    const next = await client(label, { run: 'true' })
    expect(await result(next.command)).toMatchObject({ exitCode: 0, runs: [{ id: next.id, state: 'passed' }] })
    expect(await stage.client.runs.get(id)).toEqual(final)
    expect(await stage.logOf(id)).not.toContain('try 1')
  })

  it('does not start anew when the suite says that it may not', async ({ expect }) => {
    const label = newLabel()
    const only = await worker(label)
    const { command, id } = await client(label, { run: `echo begun; ${WAIT}`, attempts: 1 })
    await stage.wrote(id, 'begun')
    only.process.kill()
    expect(await result(command)).toMatchObject({
      exitCode: 4,
      runs: [{ id, state: 'errored', attempt: 1, reason: { code: 'worker_lost', fault: 'service' } }],
    })
  })

  it('is killed with its worker removed, which ends and says why', async ({ expect }) => {
    const label = newLabel()
    const removed = await worker(label)
    const { command, id } = await client(label, { run: AT_FIRST(WAIT) })
    await stage.wrote(id, 'try 1')
    await stage.client.workers.remove(removed.id)
    const { exitCode, stderr } = await removed.process.ended
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^verdict-worker: The worker .w-.*. was removed at .*verdict workers create/m)
    await worker(label)
    expect(await result(command)).toMatchObject({ exitCode: 0, runs: [{ id, attempt: 2, state: 'passed' }] })
  })
})

describe.concurrent('a worker', { timeout: 120_000 }, () => {
  it('may say nothing of a run whose lease another one holds', async () => {
    const label = newLabel()
    await worker(label)
    const stranger = await stage.client.workers.create({ name: 'stranger' })
    const { command, id } = await client(label, { run: 'echo begun; sleep 3' })
    await stage.wrote(id, 'begun')
    const { work, close } = workOver(stage.url, stage.leaks.secret(stranger.key))
    const lease = { run: id, attempt: 1 }
    expect(await work.log(lease, 99, 'forged')).toBe('lost')
    const reason = { code: 'command_failed' as const, message: 'forged' }
    expect(await work.finish(lease, { results: null, reason })).toBe('lost')
    expect(await work.archive(lease)).toBeUndefined()
    close()
    expect(await result(command)).toMatchObject({ exitCode: 0, state: 'passed' })
    expect(await stage.logOf(id)).not.toContain('forged')
  })

  it('hands its run back when it is stopped, and nothing is lost', async () => {
    const label = newLabel()
    const first = await worker(label)
    const { command, id } = await client(label, { run: AT_FIRST(WAIT), attempts: 1 })
    await stage.wrote(id, 'try 1')
    first.process.signal('SIGTERM')
    expect((await first.process.ended).exitCode).toBe(0)
    await worker(label)
    expect(await result(command)).toMatchObject({ exitCode: 0, runs: [{ state: 'passed', attempt: 2 }] })
  })

  it.each([
    [
      'without a usable runner',
      { VERDICT_RUNNER: 'none' },
      /can run no suite, and claims none: VERDICT_RUNNER is none/,
    ],
    ['with a key of another server', {}, /The API key is not known here/],
    [
      'with half a configuration',
      { VERDICT_URL: '', VERDICT_WORKER_SLOTS: 'x' },
      /VERDICT_WORKER_SLOTS[\s\S]*VERDICT_URL/,
    ],
  ])('%s says so and ends', async (_what, env, message) => {
    const { makeApiKey } = await import('../../contract/api-key.ts')
    const key = makeApiKey((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
    const process = launchWorker({ url: stage.url, key, folder: await stage.newFolder(), env })
    processes.push(process)
    const { exitCode, stderr } = await process.ended
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^verdict-worker: /m)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain(key)
  })

  it('does not share its folder with another one', async () => {
    const folder = await stage.newFolder()
    const made = await stage.client.workers.create({ name: 'twice' })
    const launch = () => launchWorker({ url: stage.url, key: stage.leaks.secret(made.key), folder })
    const first = launch()
    processes.push(first)
    await first.says(/works for/)
    const { exitCode, stderr } = await launch().ended
    expect(exitCode).toBe(1)
    expect(stderr).toContain('is in use by another worker')
  })
})

describe('a worker whose server is away', () => {
  it('keeps its verdict', { timeout: 60_000 }, async () => {
    const label = newLabel()
    await worker(label)
    const { command, id } = await client(label, { run: 'echo begun; sleep 1; echo ended', attempts: 1 })
    await stage.wrote(id, 'begun')
    await stage.killServer()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    await stage.startServer()
    expect(await result(command)).toMatchObject({ exitCode: 0, runs: [{ id, state: 'passed', attempt: 1 }] })
    expect(await stage.logOf(id)).toContain('ended')
  })
})
