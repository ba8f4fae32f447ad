import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Run } from '../../contract/runs.ts'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { readEvents } from './event-reader.ts'
import { type HandWorker, handWorker } from './hand-worker.ts'

let clock: MovableClock
let server: TestServer
let worker: HandWorker
beforeEach(async () => {
  clock = new MovableClock(Date.now())
  server = await startServer({ clock, env: { VERDICT_RUNNER: 'none', VERDICT_QUEUE_TIMEOUT_SECONDS: '300' } })
  worker = handWorker(server)
})
afterEach(() => server?.stop())

const start = async (more: object = {}): Promise<string> => {
  const json = { suite: 'a', definition: { run: 'x' }, ...more }
  return (await server.request('POST', '/v1/runs', { json })).json.id
}
const get = async (run: string, token?: string): Promise<Run> =>
  (await server.request('GET', `/v1/runs/${run}`, token === undefined ? {} : { token })).json
/** Reads by the record, so that no client is seen to be there. */
const read = async (run: string): Promise<Run> =>
  (await server.request('GET', '/v1/runs?limit=200')).json.items.find(({ id }: Run) => id === run)

/**
 * Lets time go by, second by second, as the server's own looks at the queue do. Each look takes some turns of the event
 * loop and nothing else, so it is over before the next second.
 */
async function pass(seconds: number, each: () => unknown = () => undefined): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await each()
    clock.advance(1000)
    for (let turns = 0; turns < 40; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
}
const present = () => worker.present()

describe('a run that waits', () => {
  it('says why while there is no worker, and ends by no_runner after a minute', async () => {
    const run = await start()
    await pass(1)
    expect(await read(run)).toMatchObject({
      state: 'queued',
      reason: { code: 'no_runner', fault: 'service', message: expect.stringContaining('VERDICT_RUNNER') },
    })
    await pass(58)
    expect((await read(run)).state).toBe('queued')
    await pass(2)
    expect(await read(run)).toMatchObject({ state: 'errored', reason: { code: 'no_runner', fault: 'service' } })
  })

  it('says which labels no worker has, and goes on when one comes', async () => {
    await present()
    const run = await start({ definition: { run: 'x', runsOn: ['windows'] } })
    await pass(1)
    const waits = await read(run)
    expect(waits.reason?.message).toMatch(/runsOn.*windows.*linux/)
    await pass(65, present)
    expect((await read(run)).state).toBe('queued')
    const never = new AbortController().signal
    const other = server.server.work.forWorker('wrk_windows')
    const job = await other.claim({ labels: ['windows'], runner: 'test' }, 0, never)
    expect(job?.lease.run).toBe(run)
    expect(await read(run)).toMatchObject({ state: 'running', reason: null })
  })

  it('waits on while the only worker is busy for longer than a minute', async () => {
    const [first, second] = [await start(), await start()]
    const job = await worker.claim(first)
    await pass(120, async () => {
      expect((await worker.work.heartbeat(job.lease, 0, new AbortController().signal)).order).toBe('go_on')
    })
    const runs = [await read(first), await read(second)]
    expect(runs.map(({ state, reason }) => [state, reason])).toEqual([
      [runs[0]!.state, null],
      [runs[1]!.state, null],
    ])
    expect(runs.map(({ state }) => state).sort()).toEqual(['queued', 'running'])
  })

  it('ends by queue_timeout after its time', async () => {
    await present()
    const [short, long] = [await start({ queueTimeoutSeconds: 5 }), await start()]
    await pass(6, present)
    expect(await read(short)).toMatchObject({ state: 'errored', reason: { code: 'queue_timeout', fault: 'service' } })
    expect((await read(long)).state).toBe('queued')
    await pass(300, present)
    expect(await read(long)).toMatchObject({ state: 'errored', reason: { code: 'queue_timeout' } })
  })
})

describe('a run that a worker holds', () => {
  it.each([
    [30, {}],
    [12, { VERDICT_TEST_LEASE_SECONDS: '12' }],
  ])(
    'is its own for %i s, and heartbeats are answered after a third of that, however long they would wait',
    async (lease, env) => {
      await server.stop()
      server = await startServer({ clock, env: { VERDICT_RUNNER: 'none', ...env } })
      worker = handWorker(server)
      const run = await start()
      const job = await worker.claim(run)
      await pass(lease - 2)
      const never = new AbortController().signal
      let answered: unknown
      const beat = worker.work.heartbeat(job.lease, 30_000, never).then((answer) => {
        answered = answer
      })
      await pass(lease / 3 - 1)
      expect(answered).toBeUndefined()
      await pass(1)
      await beat
      expect(answered).toEqual({ order: 'go_on' })
      await pass((2 * lease) / 3 - 1)
      expect((await read(run)).state).toBe('running')
      await pass(2, present)
      expect((await read(run)).state).toBe('queued')
    },
  )
})

describe('a run whose client is away', () => {
  beforeEach(present)

  it('is cancelled as abandoned after that time, queued or running', async () => {
    const running = await start({ abandonAfterSeconds: 60 })
    const job = await worker.claim(running)
    const queued = await start({ abandonAfterSeconds: 60 })
    const beat = () => worker.work.heartbeat(job.lease, 0, new AbortController().signal)
    await pass(59, beat)
    expect([(await read(running)).state, (await read(queued)).state]).toEqual(['running', 'queued'])
    await pass(3, beat)
    expect(await beat()).toEqual({ order: 'cancel', reason: 'abandoned' })
    await worker.finish(job, { results: null, reason: { code: 'abandoned', message: 'x' } })
    for (const run of [running, queued]) {
      expect(await read(run)).toMatchObject({ state: 'cancelled', reason: { code: 'abandoned', fault: null } })
    }
  })

  it.each<[string, (run: string) => Promise<unknown>]>([
    ['reads the run', (run) => get(run)],
    ['reads its log', (run) => server.request('GET', `/v1/runs/${run}/log`)],
    ['reads its cases', (run) => server.request('GET', `/v1/runs/${run}/cases`)],
  ])('is not away while it %s', async (_what, look) => {
    const run = await start({ abandonAfterSeconds: 30 })
    const version = (await read(run)).version
    for (let i = 0; i < 4; i++) {
      await pass(25, present)
      await look(run)
    }
    expect(await read(run)).toMatchObject({ state: 'queued', version })
    await pass(32, present)
    expect((await read(run)).state).toBe('cancelled')
  })

  it('is not away while it follows the events', async () => {
    const run = await start({ abandonAfterSeconds: 30 })
    const events = await readEvents(server, run, await server.token())
    await events.until((seen) => seen.events.length > 0)
    await pass(65, present)
    expect((await read(run)).state).toBe('queued')
    events.leave()
    await pass(48, present)
    expect((await read(run)).state).toBe('cancelled')
  })

  it('is away although somebody else looks', async () => {
    const made = await server.request('POST', '/v1/keys', { json: { name: 'other' } })
    const other = await server.token(undefined, made.json.key)
    const run = await start({ abandonAfterSeconds: 30 })
    await pass(32, async () => {
      await present()
      await get(run, other)
    })
    expect((await read(run)).state).toBe('cancelled')
  })
})

describe('a run whose worker is lost', () => {
  beforeEach(present)

  it('is queued again, and ends by worker_lost when its tries are used up', async () => {
    const run = await start()
    await pass(31, present)
    for (let attempt = 1; attempt <= 2; attempt++) {
      const job = await worker.claim(run)
      expect(job.lease.attempt).toBe(attempt)
      await pass(32, present)
      expect((await read(run)).state).toBe(attempt === 1 ? 'queued' : 'errored')
      expect(await worker.work.finish(job.lease, { results: null, reason: null })).toBe('lost')
    }
    expect(await read(run)).toMatchObject({
      state: 'errored',
      attempt: 2,
      reason: { code: 'worker_lost', fault: 'service' },
    })
  })

  it.each<[string, () => void]>([
    ['the server itself was frozen', () => clock.freeze(60_000)],
    ['somebody set the clock', () => clock.jump(3_600_000)],
  ])('is not taken back because %s', async (_what, happen) => {
    const run = await start({ queueTimeoutSeconds: 86_400 })
    await pass(31, present)
    const job = await worker.claim(run)
    happen()
    await pass(2, present)
    expect((await read(run)).state).toBe('running')
    expect((await worker.work.heartbeat(job.lease, 0, new AbortController().signal)).order).toBe('go_on')
    await worker.pass(job)
    expect((await read(run)).state).toBe('passed')
  })
})
