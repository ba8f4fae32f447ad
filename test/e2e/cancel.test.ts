import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { STUBBORN } from '../support/e2e-tree.ts'
import { freePort } from '../support/server.ts'

let stage: Stage
beforeAll(async () => {
  // Two abandoned runs wait for their end while all others come and go.
  stage = await openStage({ env: { VERDICT_WORKER_SLOTS: '8' } })
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(() => stage?.close())

/** A CI system kills 7.5 s after its first signal. */
const PATIENCE_MS = 7_000

describe.concurrent('a client that is gone', () => {
  /** The shortest that the server takes, and what it adds before it notes a client (wire 5), and a look at the queue. */
  const ABANDON_AFTER_SECONDS = 30
  const LONGEST_MS = 60_000

  async function waitedFor(suite: string, key: string) {
    const body = {
      suite,
      definition: { run: STUBBORN },
      abandonAfterSeconds: ABANDON_AFTER_SECONDS,
    }
    const { run } = await stage.clientWith(key).runs.create(body)
    const command = stage.start(['wait', run.id], { env: { VERDICT_API_KEY: key } })
    await command.says(/abandoned-\w+ (queued|running)/)
    await stage.wrote(run.id, 'begun')
    return { id: run.id, command }
  }

  it('leaves a run that is abandoned when the job was killed', { timeout: 90_000 }, async ({ expect }) => {
    const { id, command } = await waitedFor('abandoned-job', stage.key)
    command.signal('SIGKILL')
    expect(await command.ended).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({ state: 'running' })
    await expect(stage.client.runs.wait(id, { limitMs: LONGEST_MS })).resolves.toMatchObject({
      state: 'cancelled',
      reason: { code: 'abandoned' },
    })
  })

  it('exits 3 when its key is revoked in mid-wait, and the run goes on until it is abandoned', {
    timeout: 90_000,
  }, async ({ expect }) => {
    const key = await stage.makeKey('short-lived')
    const { id, command } = await waitedFor('abandoned-key', key)
    const revoked = performance.now()
    for await (const { id: keyId, name } of stage.client.keys.list()) {
      if (name === 'short-lived') await stage.client.keys.revoke(keyId)
    }
    const ended = await command.ended
    expect(ended.exitCode, ended.stderr).toBe(3)
    // A second for the revocation, and the rest for two loaded cores; a wait that did not notice it lasts 25.
    expect(performance.now() - revoked).toBeLessThan(10_000)
    expect(ended.stdout + ended.stderr).toMatch(/revoked/)
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({ state: 'running' })
    await expect(stage.client.runs.wait(id, { limitMs: LONGEST_MS })).resolves.toMatchObject({
      state: 'cancelled',
      reason: { code: 'abandoned' },
    })
  })
})

describe.concurrent('Ctrl-C and SIGTERM', () => {
  it.each([
    { signal: 'SIGINT', exitCode: 130 },
    { signal: 'SIGTERM', exitCode: 143 },
  ] as const)('$signal cancels the remote run and exits $exitCode in time', async ({ signal, exitCode }) => {
    const cwd = await stage.suites({ [`stubborn-${exitCode}`]: { run: STUBBORN } })
    const command = stage.start(['run', '--json'], { cwd })
    const id = await stage.runOf(command)
    await stage.wrote(id, 'begun')
    const signalled = performance.now()
    command.signal(signal)
    const ended = await command.ended
    expect(ended.exitCode, ended.stderr).toBe(exitCode)
    expect(performance.now() - signalled).toBeLessThan(PATIENCE_MS)
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'cancelled', runs: [{ id, state: 'cancelled' }] })
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({
      state: 'cancelled',
      reason: { code: 'cancelled_by_user' },
    })
  })

  it('cancels all suites of the call, running and queued', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `many-${name}`)
    const cwd = await stage.suites(Object.fromEntries(names.map((name) => [name, { run: STUBBORN }])))
    const command = stage.start(['run'], { cwd })
    for (const name of names) await command.says(new RegExp(`${name} queued: run_`))
    await command.says(/many-\w running/)
    command.signal('SIGINT')
    expect((await command.ended).exitCode).toBe(130)
    for (const name of names) expect(await stage.runsOf(name)).toMatchObject([{ state: 'cancelled' }])
  })

  it('starts nothing more when it comes before the trigger', async () => {
    const cwd = await stage.suites({ never: { run: 'true' } })
    const command = stage.start(['run'], { cwd, env: { VERDICT_URL: `http://127.0.0.1:${await freePort()}` } })
    await command.says(/trying again/)
    command.signal('SIGINT')
    expect((await command.ended).exitCode).toBe(130)
    expect(await stage.runsOf('never')).toEqual([])
  })
})

it.concurrent('exits 6 when somebody else cancels the run', async () => {
  const cwd = await stage.suites({ elsewhere: { run: STUBBORN } })
  const command = stage.start(['run'], { cwd })
  const id = await stage.runOf(command)
  await stage.wrote(id, 'begun')
  const cancel = await stage.verdict(['cancel', id])
  expect(cancel.exitCode, cancel.stderr).toBe(0)
  const ended = await command.ended
  expect(ended.exitCode, ended.stderr).toBe(6)
  expect(ended.stdout).toMatch(/elsewhere cancelled/)
})
