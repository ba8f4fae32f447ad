import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { temporaryFolder } from '../support/folder.ts'
import { jobOf } from '../support/scripted-work.ts'
import {
  startWorkerUnderTest,
  type WorkerUnderTest,
  type WorkerUnderTestOptions,
} from '../support/worker-under-test.ts'

const open: WorkerUnderTest[] = []
let notes: string
beforeEach(async () => {
  notes = temporaryFolder('verdict-stop-')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((under) => under.close()))
})

async function start(options?: WorkerUnderTestOptions): Promise<WorkerUnderTest> {
  const under = await startWorkerUnderTest(options)
  open.push(under)
  return under
}

/** Shell of a tree of processes that ignore SIGTERM, with their pids in files. */
function stubborn(): string {
  return `trap '' TERM; (trap '' TERM; echo $(exec sh -c 'echo $PPID') > ${notes}/child; while :; do sleep 1; done) & echo $$ > ${notes}/parent; echo started; while :; do sleep 1; done`
}

function isAlive(name: string): boolean {
  const pid = Number(readFileSync(join(notes, name), 'utf8'))
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // Killed but not yet waited for by its new parent.
  return !/^\d+ \(.*\) Z/s.test(existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '')
}

describe('a time limit', () => {
  it('holds for setup and run together, ends what ignores SIGTERM, and keeps artifacts and log', async () => {
    const { work } = await start()
    const definition = { setup: 'sleep 0.3', run: `echo shot > shot; ${stubborn()}`, artifacts: 'shot' }
    const run = work.add(jobOf(definition, { timeoutSeconds: 1 }))
    const { outcome } = await run.ended()
    expect(outcome).toEqual({
      results: null,
      reason: { code: 'timeout', message: 'The run reached its time limit of 1.0 s.' },
    })
    expect(run.artifacts.has('shot')).toBe(true)
    expect(run.text).toContain('[verdict] stopped: the time limit of 1.0 s was reached')
    await gone('parent', 'child')
  })

  it('ends a setup, too', async () => {
    const { work } = await start()
    const run = work.add(jobOf({ setup: 'sleep 60', run: 'echo never' }, { timeoutSeconds: 1 }))
    expect((await run.ended()).outcome?.reason?.code).toBe('timeout')
  })
})

describe('a cancel', () => {
  it.each(['cancelled_by_user', 'abandoned'] as const)(
    '(%s) stops the whole process group within 2 s',
    async (reason) => {
      const { work } = await start()
      const job = jobOf({ run: stubborn() })
      const run = work.add(job)
      await run.printed('started')
      const before = performance.now()
      work.tell(job.lease.run, { order: 'cancel', reason })
      const { outcome } = await run.ended()
      await gone('parent', 'child')
      expect(performance.now() - before).toBeLessThan(2000)
      expect(outcome?.reason?.code).toBe(reason)
    },
  )

  it('in the middle of the setup runs no command', async () => {
    const { work } = await start()
    const job = jobOf({ setup: 'echo started; sleep 60', run: 'echo never' })
    const run = work.add(job)
    await run.printed('started')
    work.tell(job.lease.run, { order: 'cancel', reason: 'cancelled_by_user' })
    expect((await run.ended()).outcome?.reason?.code).toBe('cancelled_by_user')
    expect(run.text).not.toContain('never')
  })
})

describe('a lost run', () => {
  it('is killed, and nothing more is said of it', async () => {
    const { work, worker } = await start()
    const job = jobOf({ run: stubborn() })
    const run = work.add(job)
    await run.printed('started')
    work.tell(job.lease.run, { order: 'lost' })
    const next = work.add(jobOf({ run: 'echo next' }))
    await next.ended()
    expect(run.endings).toEqual([])
    await gone('parent', 'child')
    await worker.stop()
    expect(worker.running()).toBe(0)
  })
})

describe('a stop of the worker', () => {
  it('claims no more, and lets running work end within its grace', async () => {
    const { work, worker } = await start({ graceMs: 20_000 })
    const run = work.add(jobOf({ run: `echo started; while [ ! -e ${notes}/go ]; do sleep 0.05; done` }))
    await run.printed('started')
    const stopped = worker.stop()
    const late = work.add(jobOf({ run: 'true' }))
    await writeFile(join(notes, 'go'), '')
    await stopped
    expect(run.endings).toMatchObject([{ outcome: { reason: null } }])
    expect(late.endings).toEqual([])
    expect(worker.running()).toBe(0)
  })

  it.each([
    ['run', { run: 'echo started; sleep 60' }],
    ['setup', { setup: 'echo started; sleep 60', run: 'true' }],
  ])('kills what its grace is not enough for in %s, and hands it back', async (_, definition) => {
    const { work, worker } = await start({ graceMs: 50 })
    const run = work.add(jobOf(definition))
    await run.printed('started')
    await worker.stop()
    expect(run.endings).toEqual([{ released: true }])
    expect(run.text).toContain('it goes back into the queue')
  })

  it('gives up the last words after 10 s when the server is away', async () => {
    const clock = new MovableClock()
    const { work, worker, logged } = await start({ clock })
    const run = work.add(jobOf({ run: `echo $$ > ${notes}/parent; sleep 60` }))
    await until(() => existsSync(join(notes, 'parent')))
    work.away = true
    const stopped = worker.stop()
    clock.advance(0)
    await gone('parent')
    clock.advance(10_000)
    await stopped
    expect(run.endings).toEqual([])
    expect(logged.some((line) => line.startsWith('the server did not take the last words'))).toBe(true)
  })
})

describe('a server that is away', () => {
  it('in the middle of a run gets log, cases and verdict when it is back', async () => {
    const { work, logged } = await start()
    const run = work.add(jobOf({ run: `echo started; while [ ! -e ${notes}/go ]; do sleep 0.05; done; echo done` }))
    await run.printed('started')
    work.away = true
    await writeFile(join(notes, 'go'), '')
    await until(() => logged.some((line) => line.includes('cannot be reached')))
    work.away = false
    expect(await run.ended()).toMatchObject({ outcome: { reason: null, results: { passed: 1 } } })
    expect(run.text).toBe('started\ndone\n')
    expect(run.endings).toHaveLength(1)
  })

  it('for 5 min has its run killed, and handed back when it is there again', async () => {
    const clock = new MovableClock()
    const { work } = await start({ clock })
    const run = work.add(jobOf({ run: `echo $$ > ${notes}/parent; sleep 600` }))
    await until(() => existsSync(join(notes, 'parent')))
    work.away = true
    clock.advance(5 * 60_000 - 1)
    expect(isAlive('parent')).toBe(true)
    clock.advance(1)
    await gone('parent')
    work.away = false
    const moving = setInterval(() => clock.advance(1_000), 10)
    expect(await run.ended()).toEqual({ released: true })
    clearInterval(moving)
  })

  it('is asked for work again until it answers', async () => {
    const { work, logged } = await start({ away: true })
    await until(() => logged.some((line) => line.includes('cannot be asked for work')))
    work.away = false
    expect((await work.add(jobOf({ run: 'true' })).ended()).outcome?.reason).toBe(null)
  })
})

describe('processes', () => {
  it('that outlive the command neither hold up the verdict nor live on', async () => {
    const { work } = await start()
    const run = work.add(
      jobOf({ run: `(echo $(exec sh -c 'echo $PPID') > ${notes}/child; sleep 60) & sleep 0.2; echo over` }),
    )
    expect((await run.ended()).outcome?.reason).toBe(null)
    await gone('child')
  })

  it('that close their output are waited for', async () => {
    const { work } = await start()
    const run = work.add(jobOf({ run: 'exec >&- 2>&-; sleep 0.3; exit 5' }))
    expect((await run.ended()).outcome?.reason?.message).toContain('code 5')
  })
})

/** The processes are dead: a signal is sent in no time, but a process takes its own to die. */
async function gone(...names: string[]): Promise<void> {
  for (const name of names) await until(() => !isAlive(name))
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}
