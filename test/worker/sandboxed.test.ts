import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detectRunner } from '../../worker/runner/detect.ts'
import type { Runner } from '../../worker/runner/runner.ts'
import { packedTree } from '../support/packed-tree.ts'
import { temporaryRunner } from '../support/runner-options.ts'
import { missingForSandbox } from '../support/sandbox-tools.ts'
import { jobOf } from '../support/scripted-work.ts'
import { startWorkerUnderTest, type WorkerUnderTest } from '../support/worker-under-test.ts'

const missing = missingForSandbox(['bwrap'])

describe.skipIf(missing)(missing ? `a worker in the sandbox (skipped: ${missing})` : 'a worker in the sandbox', () => {
  let under: WorkerUnderTest
  let remove = () => {}
  const key = join(tmpdir(), `verdict-secret-key-${process.pid}`)
  beforeAll(async () => {
    const temporary = temporaryRunner({})
    remove = temporary.remove
    const detected = await detectRunner(temporary.options)
    if (!detected.runner) throw new Error(detected.problem)
    const runner: Runner = detected.runner
    under = await startWorkerUnderTest({ runner: () => runner })
  })
  afterAll(async () => {
    await under?.close()
    await rm(key, { force: true })
    remove()
  })

  it('runs a tree with setup, tests, report and artifacts, whose places are relative to it', async () => {
    const test = `import test from 'node:test'\ntest('adds', () => {})\ntest('breaks', () => { throw new Error('boom') })\n`
    const job = jobOf({
      archive: 'a'.repeat(64),
      setup: 'mkdir out && echo ready',
      run: 'node --test --test-reporter=junit --test-reporter-destination=out/report.xml; code=$?; echo shot > out/shot.png; exit $code',
      report: 'out/*.xml',
      artifacts: 'out',
    })
    under.work.archives.set(job.lease.run, await packedTree({ 'test/cart.test.mjs': test }))
    const run = under.work.add(job)
    const { outcome } = await run.ended()
    expect(outcome?.reason).toMatchObject({ code: 'tests_failed', message: '1 of 2 tests failed: breaks' })
    expect(run.cases.find(({ name }) => name === 'breaks')).toMatchObject({
      state: 'failed',
      file: 'test/cart.test.mjs',
    })
    expect([...run.artifacts.keys()]).toEqual(['out/report.xml', 'out/shot.png'])
  })

  it('gets nothing of the machine by links that the run left for its report and artifacts', async () => {
    await writeFile(key, '<testsuite><testcase name="stolen"/></testsuite>', { mode: 0o600 })
    const run = under.work.add(
      jobOf({
        run: `ln -s ${key} report.xml; ln -s ${key} shot; mkfifo pipe; ln /etc/passwd hard; true`,
        report: 'report.xml',
        artifacts: '**',
      }),
    )
    const { outcome } = await run.ended()
    expect(outcome?.reason).toMatchObject({
      code: 'report_missing',
      message: expect.stringMatching(/report\.xml is a link/),
    })
    expect(run.artifacts.size).toBe(0)
    for (const name of ['shot', 'pipe']) expect(run.text).toContain(`artifact "${name}" was left out`)
    expect(JSON.stringify([run.text, run.cases])).not.toContain('stolen')
  })

  it('stops a cancelled run within 2 s, with what had left its session', async () => {
    const job = jobOf({
      run: `trap '' TERM; setsid sh -c "trap '' TERM; sleep 600" & echo started; while :; do sleep 1; done`,
    })
    const run = under.work.add(job)
    await run.printed('started')
    const before = performance.now()
    under.work.tell(job.lease.run, { order: 'cancel', reason: 'cancelled_by_user' })
    expect((await run.ended()).outcome?.reason?.code).toBe('cancelled_by_user')
    expect(performance.now() - before).toBeLessThan(2_000)
  })
})
