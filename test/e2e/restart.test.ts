import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, type TestContext } from 'vitest'
import type { Case } from '../../contract/cases.ts'
import { openStage, type Stage, type StageOptions } from '../support/e2e-stage.ts'

/** Each test kills a server, so each has its own, and they run side by side. */
async function open({ onTestFinished }: TestContext, options: StageOptions = {}): Promise<Stage> {
  const stage = await openStage(options)
  onTestFinished(async () => {
    await stage.close()
    expect(stage.leaks.found()).toEqual([])
  })
  return stage
}

/** Long at the first try, so that it can be interrupted, and then at once. Without a sandbox the first one outlives its server. */
const LONG_AT_FIRST = 'echo "try $VERDICT_ATTEMPT begun"; test "$VERDICT_ATTEMPT" != 1 || sleep 10; echo done'
const CASES = 2_000
/** Enough to report that handing it in takes a while. */
const MANY_CASES = `node -e "process.stdout.write('<testsuite>'+Array.from({length:${CASES}},(_,n)=>'<testcase name=\\"case '+n+'\\"/>').join('')+'</testsuite>')" > report.xml; echo done`

async function casesOf(stage: Stage, id: string): Promise<Case[]> {
  const cases: Case[] = []
  for await (const one of stage.client.runs.cases(id)) cases.push(one)
  return cases
}

describe.concurrent('a server that is killed and started again on the same data folder', { timeout: 90_000 }, () => {
  it('still has what was queued and runs again what was running, each to one verdict, while clients wait', async (context) => {
    const stage = await open(context, { env: { VERDICT_WORKER_SLOTS: '1' } })
    const cwd = await stage.suites({ first: { run: LONG_AT_FIRST }, second: { run: 'echo mine' } })
    const first = stage.start(['run', 'first', '--json'], { cwd })
    const firstId = await stage.runOf(first)
    await stage.wrote(firstId, 'try 1 begun')
    const second = stage.start(['run', 'second', '--json'], { cwd })
    const secondId = await stage.runOf(second)
    await expect(stage.client.runs.get(secondId)).resolves.toMatchObject({ state: 'queued' })
    await stage.killServer()
    await stage.startServer()
    const [ofFirst, ofSecond] = await Promise.all([first.ended, second.ended])
    expect([ofFirst.exitCode, ofSecond.exitCode], ofFirst.stderr + ofSecond.stderr).toEqual([0, 0])
    expect(JSON.parse(ofFirst.stdout).runs).toMatchObject([{ id: firstId, state: 'passed', attempt: 2 }])
    expect(JSON.parse(ofSecond.stdout).runs).toMatchObject([{ id: secondId, state: 'passed', attempt: 1 }])
    expect(await stage.runsOf('first')).toHaveLength(1)
    expect(await stage.runsOf('second')).toHaveLength(1)
    // Of the try that was lost, nothing is shown as this one's.
    expect(await stage.logOf(firstId)).toMatch(/^try 2 begun\ndone\n$/m)
    expect(await stage.logOf(firstId)).not.toMatch(/try 1/)
  })

  it('loses no verdict and makes none twice when it was killed while runs were finishing', async (context) => {
    const stage = await open(context)
    const cwd = await stage.suites({ finishing: { run: MANY_CASES, report: 'report.xml', attempts: 3 } })
    const ids: string[] = []
    for (const afterMs of [0, 15, 40, 80, 150]) {
      const command = stage.start(['run', '--no-wait'], { cwd })
      const id = await stage.runOf(command)
      await command.ended
      ids.push(id)
      await stage.wrote(id, 'done')
      await pause(afterMs)
      await stage.killServer()
      await stage.startServer()
    }
    for (const id of ids) {
      const run = await stage.client.runs.wait(id)
      expect(run).toMatchObject({ state: 'passed', results: { total: CASES, passed: CASES } })
      const names = (await casesOf(stage, id)).map(({ name }) => name)
      expect(names).toHaveLength(CASES)
      expect(new Set(names).size).toBe(CASES)
      // Final is final: nothing goes on behind it.
      await expect(stage.client.runs.get(id)).resolves.toEqual(run)
    }
    expect((await stage.runsOf('finishing')).map(({ id }) => id).sort()).toEqual(ids.sort())
  })

  it('has the answer for a client that asks again with its idempotency key', async (context) => {
    const stage = await open(context)
    const cwd = await stage.suites({ keyed: { run: 'true' } })
    const args = ['run', '--idempotency-key', 'build-7', '--json']
    const before = await stage.verdict(args, { cwd })
    await stage.killServer()
    await stage.startServer()
    const after = await stage.verdict(args, { cwd })
    expect(after.exitCode, after.stderr).toBe(0)
    expect(JSON.parse(after.stdout).runs).toEqual(JSON.parse(before.stdout).runs)
    expect(await stage.runsOf('keyed')).toHaveLength(1)
  })
})

describe.concurrent('a server that is stopped', { timeout: 90_000 }, () => {
  it('hands running work back without losing a try, answers its waiters, and the same run ends after the restart', async (context) => {
    const stage = await open(context, { env: { VERDICT_STOP_GRACE_SECONDS: '1' } })
    // One try only: a lost one would end the run.
    const cwd = await stage.suites({ handed: { run: LONG_AT_FIRST, attempts: 1 } })
    const command = stage.start(['run', '--json'], { cwd })
    const id = await stage.runOf(command)
    await stage.wrote(id, 'try 1 begun')
    const stopped = performance.now()
    const { exitCode, stderr } = await stage.stopServer()
    expect(exitCode, stderr).toBe(0)
    // The grace, and what it takes to hand back and to close. Waiters held it up for up to 25 s if they were not answered.
    expect(performance.now() - stopped).toBeLessThan(10_000)
    await stage.startServer()
    const ended = await command.ended
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout).runs).toMatchObject([{ id, state: 'passed', attempt: 2 }])
    expect(await stage.runsOf('handed')).toHaveLength(1)
  })

  it('lets work that ends within its grace end', async (context) => {
    const stage = await open(context, { env: { VERDICT_STOP_GRACE_SECONDS: '20' } })
    const cwd = await stage.suites({ quick: { run: 'echo begun; sleep 2; echo ended' } })
    const command = stage.start(['run', '--json'], { cwd })
    await stage.wrote(await stage.runOf(command), 'begun')
    expect((await stage.stopServer()).exitCode).toBe(0)
    await stage.startServer()
    const ended = await command.ended
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout).runs).toMatchObject([{ state: 'passed', attempt: 1 }])
  })

  it('is not started twice on one data folder', async (context) => {
    const stage = await open(context)
    await expect(stage.startAnother()).rejects.toThrow(/data folder|another/i)
    const cwd = await stage.suites({ still: { run: 'true' } })
    expect((await stage.verdict(['run'], { cwd })).exitCode).toBe(0)
  })
})
