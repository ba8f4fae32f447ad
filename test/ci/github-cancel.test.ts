import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ActionStep } from '../support/e2e-action.ts'
import type { Ended, TestProcess } from '../support/e2e-process.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { suiteFile } from '../support/e2e-tree.ts'

/** How GitHub's runner ends a step, by its documentation: a signal, another one, and the end. */
const SIGTERM_AFTER_MS = 7_500
const KILL_AFTER_MS = 2_500
const ENDLESS = "trap '' TERM INT; echo begun; while true; do sleep 1; done"

function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  return Promise.race([promise, new Promise<undefined>((resolve) => setTimeout(resolve, limitMs, undefined))])
}

/** Resolves with how the step ended, and with the last of the three that it took. */
async function cancelAsGithub(step: TestProcess): Promise<Ended & { readonly last: string }> {
  step.signal('SIGINT')
  const first = await within(step.ended, SIGTERM_AFTER_MS)
  if (first) return { ...first, last: 'SIGINT' }
  step.signal('SIGTERM')
  const second = await within(step.ended, KILL_AFTER_MS)
  if (second) return { ...second, last: 'SIGTERM' }
  step.signal('SIGKILL')
  return { ...(await step.ended), last: 'SIGKILL' }
}

describe("GitHub's way of cancelling a step", { timeout: 60_000 }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ env: { VERDICT_WORKER_SLOTS: '2' } })
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage.close())

  async function running(suite: string) {
    const workspace = await stage.checkout({ 'verdict.yaml': suiteFile({ [suite]: { run: ENDLESS } }) })
    const step = await ActionStep.prepare(stage, { workspace })
    const main = step.start()
    const id = await stage.runOf(main)
    await stage.wrote(id, 'begun')
    return { step, main, id }
  }

  it('needs no more than its first signal: the run is seen cancelled', async () => {
    const { step, main, id } = await running('first')
    const ended = await cancelAsGithub(main)
    expect(ended).toMatchObject({ last: 'SIGINT', exitCode: 1 })
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({ state: 'cancelled' })
    expect((await step.post()).exitCode).toBe(0)
  })

  it('ends before the second one even when the server does not answer, and `post` cancels once it does', async () => {
    const { step, main, id } = await running('silent')
    stage.server.process.signal('SIGSTOP')
    const ended = await cancelAsGithub(main).finally(() => stage.server.process.signal('SIGCONT'))
    expect(ended, ended.stdout).toMatchObject({ last: 'SIGINT', exitCode: 1 })
    expect((await step.post()).exitCode).toBe(0)
    await expect(stage.client.runs.wait(id)).resolves.toMatchObject({ state: 'cancelled' })
  })
})
