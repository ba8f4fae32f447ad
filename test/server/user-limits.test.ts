import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { handWorker } from './hand-worker.ts'
import { newPerson, type Person } from './people.ts'

const clock = new MovableClock(Date.UTC(2026, 10, 25, 12))
let server: TestServer
beforeAll(async () => {
  server = await startServer({ clock, env: { VERDICT_RUNNER: 'none' } })
})
afterAll(() => server?.stop())

const definition = { run: 'true', concurrency: 20 }
const start = (person: Person, headers = {}) => {
  // Runs of one moment are in no order.
  clock.advance(1)
  return server.request('POST', '/v1/runs', { token: person.token, headers, json: { suite: 'smoke', definition } })
}
const limit = (person: Person, limits: object) =>
  server.request('PATCH', `/v1/users/${person.user}`, { json: { limits } })
describe('a user’s runs of a day', () => {
  it('are no more than is allowed; a repeated request is none, and the next day is a new one', async () => {
    const person = await newPerson(server)
    expect((await limit(person, { runsPerDay: 2 })).json.limits.runsPerDay).toBe(2)
    const first = await start(person, { 'idempotency-key': 'a' })
    expect(first.status).toBe(202)
    expect((await start(person)).status).toBe(202)
    const refused = await start(person)
    expect([refused.status, refused.json.code]).toEqual([429, 'user_quota'])
    expect(refused.json.detail).toContain('2 runs today')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await start(person, { 'idempotency-key': 'a' })).json.id).toBe(first.json.id)
    clock.advance(12 * 3_600_000)
    const tomorrow = { ...person, token: await server.token(undefined, person.key) }
    expect((await start(tomorrow)).status).toBe(202)
  })

  it('may be none', async () => {
    const person = await newPerson(server)
    await limit(person, { runsPerDay: 0 })
    expect((await start(person)).json.code).toBe('user_quota')
    await limit(person, { runsPerDay: null })
    expect((await start(person)).status).toBe(202)
  })
})

describe('a user’s runs at once', () => {
  it('are no more than is allowed, and hold up nobody else’s', async () => {
    const { work, pass } = handWorker(server)
    const claim = () => work.claim({ labels: [], runner: 'by hand' }, 0, new AbortController().signal)
    const drain = async () => {
      for (let job = await claim(); job; job = await claim()) await pass(job)
    }
    await drain()
    const [limited, other] = [await newPerson(server), await newPerson(server)]
    await limit(limited, { runningAtOnce: 1 })
    const [one, two, three] = [await start(limited), await start(limited), await start(other)]
    const first = await claim()
    expect(first?.lease.run).toBe(one.json.id)
    const second = await claim()
    expect(second?.lease.run).toBe(three.json.id)
    expect(await claim()).toBeUndefined()
    await pass(first!)
    expect((await claim())?.lease.run).toBe(two.json.id)
  })

  it('follow the limit as it is now', async () => {
    const { work } = handWorker(server)
    const claim = () => work.claim({ labels: [], runner: 'by hand' }, 0, new AbortController().signal)
    const person = await newPerson(server)
    await limit(person, { runningAtOnce: 0 })
    const { json } = await start(person)
    expect(await claim()).toBeUndefined()
    await limit(person, { runningAtOnce: null })
    expect((await claim())?.lease.run).toBe(json.id)
  })
})
