import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { type EventReader, readEvents } from './event-reader.ts'
import { type HandWorker, handWorker } from './hand-worker.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const clock = new MovableClock(Date.now())
let server: TestServer
let person: Person
let run: string
let idle: number
let present: HandWorker
beforeAll(async () => {
  server = await startServer({
    clock,
    env: { VERDICT_ROLES: 'api', VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000' },
  })
  idle = clock.pending
  present = handWorker(server)
  await present.present()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  person = await newPerson(server)
  await present.present()
  const json = { suite: 'a', definition: { run: 'x' } }
  run = (await server.request('POST', '/v1/runs', { token: person.token, json })).json.id
})

const told = ({ events }: EventReader) => events.map(({ event, data }) => (event === 'log' ? data : data.state))
/** Resolves when the stream waits: it has a timer on the clock that stands still. */
const silent = (streams = 1) => expect.poll(() => clock.pending, { interval: 5 }).toBe(idle + streams)

describe('a stream of events', () => {
  it('tells states and log as they come, and ends after the final state', async () => {
    const stream = await readEvents(server, run, person.token)
    expect(stream.status).toBe(200)
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(stream.headers.get('cache-control')).toBe('no-store')
    await stream.until((seen) => told(seen).includes('queued'))
    const worker = handWorker(server)
    const job = await worker.claim(run)
    await stream.until((seen) => told(seen).includes('running'))
    await worker.work.log(job.lease, 1, 'first\n')
    await stream.until((seen) => told(seen).includes('first\n'))
    await worker.work.log(job.lease, 2, 'second: ünï\r\ndata: x\n\n')
    await worker.pass(job)
    await stream.ended()
    expect(told(stream)).toEqual(['queued', 'running', 'first\n', 'second: ünï\r\ndata: x\n\n', 'passed'])
    expect(stream.events.at(-1)!.data).toEqual(
      (await server.request('GET', `/v1/runs/${run}`, { token: person.token })).json,
    )
  })

  it('resumes after the event that was seen last, and is 204 past the end', async () => {
    const worker = handWorker(server)
    const job = await worker.claim(run)
    for (let seq = 1; seq <= 3; seq++) await worker.work.log(job.lease, seq, `line ${seq}\n`)
    const first = await readEvents(server, run, person.token)
    await first.until((seen) => told(seen).includes('line 3\n'))
    first.leave()
    await worker.pass(job)

    const second = first.events.find(({ data }) => data === 'line 2\n')!
    const resumed = await readEvents(server, run, person.token, second.id)
    await resumed.ended()
    expect(told(resumed)).toEqual(['line 3\n', 'passed'])

    const past = await readEvents(server, run, person.token, resumed.events.at(-1)!.id)
    expect(past.status).toBe(204)
    const whole = await readEvents(server, run, person.token, 'nonsense')
    await whole.ended()
    expect(told(whole)).toEqual(['line 1\n', 'line 2\n', 'line 3\n', 'passed'])
  })

  it('begins anew with each attempt', async () => {
    const [first, second] = [handWorker(server), handWorker(server)]
    const job = await first.claim(run)
    await first.work.log(job.lease, 1, 'first try\n')
    const stream = await readEvents(server, run, person.token)
    await stream.until((seen) => told(seen).includes('first try\n'))
    await first.work.release(job.lease)
    const again = await second.claim(run)
    expect(again.lease.attempt).toBe(2)
    await second.work.log(again.lease, 1, 'second try\n')
    await second.pass(again)
    await stream.ended()
    expect(told(stream).filter((one) => one.endsWith(' try\n'))).toEqual(['first try\n', 'second try\n'])
    expect(told(stream).slice(-2)).toEqual(['second try\n', 'passed'])
  })

  it('is kept awake by a comment every 15 s', async () => {
    const stream = await readEvents(server, run, person.token)
    await stream.until((seen) => told(seen).includes('queued'))
    for (let beats = 1; beats <= 2; beats++) {
      for (let steps = 0; steps < 3; steps++) {
        await silent()
        clock.advance(5000)
      }
      await stream.until((seen) => seen.comments.filter((comment) => comment.includes('heartbeat')).length === beats)
    }
    stream.leave()
    await silent(0)
  })

  it('ends when its key is revoked, and when its token is over', async () => {
    const other = await ownKey(server, person, {})
    const revoked = await readEvents(server, run, other.token)
    const brief = await ownKey(server, person, { expiresAt: new Date(clock.now() + 20_000).toISOString() })
    const expiring = await readEvents(server, run, brief.token)
    for (const stream of [revoked, expiring]) await stream.until((seen) => told(seen).includes('queued'))
    await server.request('DELETE', `/v1/keys/${other.id}`, { token: person.token })
    await revoked.ended()
    await silent(1)
    clock.advance(20_000)
    await expiring.ended()
    expect(told(expiring)).toEqual(['queued'])
  })

  it('of a long log tells all of it, in order', async () => {
    const worker = handWorker(server)
    const job = await worker.claim(run)
    const lines = Array.from({ length: 230 }, (_, at) => `${at}\n`)
    await Promise.all(lines.map((line, at) => worker.work.log(job.lease, at + 1, line)))
    await worker.pass(job)
    const stream = await readEvents(server, run, person.token)
    await stream.ended()
    expect(told(stream)).toEqual([...lines, 'passed'])
  })
})
