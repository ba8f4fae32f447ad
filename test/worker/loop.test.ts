import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { GitSetup } from '../../worker/git-source.ts'
import { startWorker } from '../../worker/loop.ts'
import { backoffMs } from '../../worker/retry.ts'
import type { Runner } from '../../worker/runner/runner.ts'
import { MovableClock } from '../support/clock.ts'
import { temporaryFolder } from '../support/folder.ts'
import { jobOf, ScriptedWork } from '../support/scripted-work.ts'
import { startWorkerUnderTest } from '../support/worker-under-test.ts'

const NO_GIT = {} as GitSetup
const NO_LOG = { info: () => {}, warn: () => {}, error: () => {} }

describe('a worker', () => {
  it('runs as many at once as it has slots, each slot one, and says who it is', async () => {
    const notes = temporaryFolder('verdict-loop-')
    const slots: number[] = []
    const { work, worker, close } = await startWorkerUnderTest({
      slots: 2,
      runner: (real) => ({
        ...real,
        open(options) {
          slots.push(options.slot)
          return real.open(options)
        },
      }),
    })
    const shell = `echo started; while [ ! -e ${notes}/go ]; do sleep 0.02; done`
    const [one, two, three] = [1, 2, 3].map(() => work.add(jobOf({ run: shell })))
    await Promise.all([one!.printed('started'), two!.printed('started')])
    expect([worker.running(), three!.text, new Set(slots)]).toEqual([2, '', new Set([0, 1])])
    await writeFile(join(notes, 'go'), '')
    expect(await Promise.all([one!, two!, three!].map((run) => run.ended()))).toHaveLength(3)
    expect(work.claims[0]).toEqual({ labels: ['linux'], runner: 'process' })
    await close()
    expect(worker.running()).toBe(0)
  })

  it('keeps the lease by heartbeats that do not follow each other too fast', async () => {
    const { work, close } = await startWorkerUnderTest()
    work.heartbeat = async (lease) => {
      work.runs.get(lease.run)!.heartbeats++
      return { order: 'go_on' }
    }
    const run = work.add(jobOf({ run: 'sleep 0.7' }))
    await run.ended()
    expect(run.heartbeats).toBeGreaterThanOrEqual(2)
    expect(run.heartbeats).toBeLessThan(6)
    await close()
  })

  it('does not spin when a server has nothing and says so at once', async () => {
    const clock = new MovableClock()
    const work = new ScriptedWork()
    let claims = 0
    work.claim = async () => {
      claims++
      return undefined
    }
    const runner = { name: 'process' } as Runner
    const worker = startWorker({
      ...{ work, runner, git: NO_GIT, slots: 1, labels: [], graceMs: 0, clock, random: () => 0, log: NO_LOG },
    })
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(claims).toBe(1)
    clock.advance(100)
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(claims).toBe(2)
    await worker.stop()
  })

  it('hands back what it is given while it stops', async () => {
    const work = new ScriptedWork()
    let give = (_job: ReturnType<typeof jobOf>) => {}
    work.claim = () => new Promise((resolve) => (give = resolve))
    const runner = { name: 'process', open: () => Promise.reject(new Error('never')) } as unknown as Runner
    const clock = new MovableClock()
    const worker = startWorker({
      ...{ work, runner, git: NO_GIT, slots: 1, labels: [], graceMs: 0, clock, random: () => 0, log: NO_LOG },
    })
    const job = jobOf({ run: 'true' })
    const run = work.add(job)
    const stopped = worker.stop()
    give(job)
    await stopped
    expect(run.endings).toEqual([{ released: true }])
    expect(worker.stop()).toBe(worker.stop())
  })
})

describe('backing off', () => {
  it('doubles up to 5 s, with jitter over the upper half', () => {
    expect([0, 1, 2, 10, 1000].map((failures) => backoffMs(failures, () => 1))).toEqual([100, 200, 400, 5000, 5000])
    expect([0, 10].map((failures) => backoffMs(failures, () => 0))).toEqual([50, 2500])
  })
})
