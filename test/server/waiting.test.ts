import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { type HandWorker, handWorker } from './hand-worker.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const clock = new MovableClock(Date.now())
let server: TestServer
let person: Person
let idle: number
let worker: HandWorker
beforeAll(async () => {
  server = await startServer({
    clock,
    env: { VERDICT_ROLES: 'api', VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000' },
  })
  idle = clock.pending
  worker = handWorker(server)
  await worker.present()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  person = await newPerson(server)
  await worker.present()
})

const start = async (more: object = {}): Promise<string> => {
  const json = { suite: 'a', definition: { run: 'x' }, ...more }
  return (await server.request('POST', '/v1/runs', { token: person.token, json })).json.id
}
const get = (run: string, headers: Record<string, string> = {}, token = person.token) =>
  server.request('GET', `/v1/runs/${run}`, { token, headers })
const cancel = (run: string) => server.request('POST', `/v1/runs/${run}/cancel`, { token: person.token })
/** Resolves when so many requests are held: each has a timer of its own on the clock that stands still. */
const held = (requests = 1) => expect.poll(() => clock.pending, { interval: 5 }).toBe(idle + requests)

describe('a run that is read', () => {
  it('has its version as ETag, and 304 while that is the same', async () => {
    const run = await start()
    const first = await get(run)
    expect(first.headers.get('etag')).toBe('"1"')
    expect(first.headers.get('preference-applied')).toBeNull()
    for (const etag of ['"1"', 'W/"1"']) {
      const same = await get(run, { 'if-none-match': etag })
      expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', '"1"'])
    }
    expect((await get(run, { 'if-none-match': '"0"' })).status).toBe(200)
    expect((await get(run, { 'if-none-match': 'nonsense' })).status).toBe(200)
  })

  it('that is final is answered at once, whatever is preferred', async () => {
    const run = await start()
    await cancel(run)
    const answer = await get(run, { prefer: 'wait=50' })
    expect([answer.status, answer.json.state]).toEqual([200, 'cancelled'])
    const etag = answer.headers.get('etag') as string
    expect((await get(run, { prefer: 'wait=50', 'if-none-match': etag })).status).toBe(304)
  })
})

describe('a run that is waited for', () => {
  it.each([
    ['wait=25', 25],
    ['wait=0', 1],
    ['wait=999', 50],
    ['respond-async, wait=5', 5],
    ['WAIT = "7"', 7],
  ])('by "Prefer: %s" is held for %i s at most, and the answer says so', async (prefer, seconds) => {
    const run = await start()
    const waiting = get(run, { prefer })
    await held()
    clock.advance(seconds * 1000 - 1)
    await held()
    clock.advance(1)
    const answer = await waiting
    expect([answer.status, answer.json.state]).toEqual([200, 'queued'])
    expect(answer.headers.get('preference-applied')).toBe(`wait=${seconds}`)
    await cancel(run)
  })

  it('without a version is held until it is final, and answered at that moment', async () => {
    const run = await start()
    const waiting = get(run, { prefer: 'wait=50' })
    await held()
    const job = await worker.claim(run)
    await held()
    await worker.pass(job)
    // The clock stands still: no timer can have answered it, only the verdict itself.
    const answer = await waiting
    expect(answer.json).toMatchObject({ state: 'passed', results: { passed: 1 } })
  })

  it('with a version is held until that changes, or answered 304', async () => {
    const run = await start()
    const waiting = get(run, { prefer: 'wait=50', 'if-none-match': '"1"' })
    await held()
    const job = await worker.claim(run)
    const running = await waiting
    expect(running.json.state).toBe('running')
    const etag = running.headers.get('etag') as string
    const unchanged = get(run, { prefer: 'wait=10', 'if-none-match': etag })
    await held()
    await worker.work.log(job.lease, 1, 'output is no change of the run\n')
    clock.advance(10_000)
    expect((await unchanged).status).toBe(304)
    await worker.pass(job)
  })

  it('by many is answered to all of them', async () => {
    const run = await start()
    const all = Array.from({ length: 20 }, () => get(run, { prefer: 'wait=50' }))
    await held(20)
    await cancel(run)
    expect(new Set((await Promise.all(all)).map(({ json }) => json.state))).toEqual(new Set(['cancelled']))
    await held(0)
  })

  it('is held no more when the client leaves', async () => {
    const run = await start()
    const leaving = new AbortController()
    const gone = server.request('GET', `/v1/runs/${run}`, {
      token: person.token,
      headers: { prefer: 'wait=50' },
      signal: leaving.signal,
    })
    await held()
    leaving.abort()
    await expect(gone).rejects.toThrow(/abort/)
    await held(0)
    await cancel(run)
  })

  it('is ended by 401 when the key is revoked, or only the token', async () => {
    const run = await start()
    const key = await ownKey(server, person, {})
    const other = await ownKey(server, person, {})
    const [byKey, byToken] = [key, other].map(({ token }) => get(run, { prefer: 'wait=50' }, token))
    await held(2)
    await server.request('DELETE', `/v1/keys/${key.id}`, { token: person.token })
    const first = await byKey!
    expect([first.status, first.json.code]).toEqual([401, 'invalid_token'])
    await held(1)
    await server.request('POST', '/oauth/revoke', {
      token: null,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${other.token}`,
    })
    expect((await byToken!).status).toBe(401)
    expect((await get(run)).json.state).toBe('queued')
    await cancel(run)
  })

  it('is ended by 401 when the token is over', async () => {
    const run = await start()
    const { token } = await ownKey(server, person, { expiresAt: new Date(clock.now() + 20_000).toISOString() })
    const waiting = get(run, { prefer: 'wait=50' }, token)
    await held()
    clock.advance(20_000)
    const answer = await waiting
    expect([answer.status, answer.json.code]).toEqual([401, 'invalid_token'])
    await cancel(run)
  })

  it('is answered with what is known when the server stops, and the stop is quick', async () => {
    const still = new MovableClock(Date.now())
    const stopping = await startServer({ clock: still, env: { VERDICT_ROLES: 'api', VERDICT_RUNNER: 'none' } })
    const json = { suite: 'a', definition: { run: 'x' } }
    const run = (await stopping.request('POST', '/v1/runs', { json })).json.id
    const before = still.pending
    const waiting = [
      stopping.request('GET', `/v1/runs/${run}`, { headers: { prefer: 'wait=50' } }),
      stopping.request('GET', `/v1/runs/${run}`, { headers: { prefer: 'wait=50', 'if-none-match': '"1"' } }),
      stopping.request('GET', `/v1/runs/${run}/events`),
    ]
    await expect.poll(() => still.pending, { interval: 5 }).toBe(before + waiting.length)
    const start = performance.now()
    await stopping.stop()
    expect(performance.now() - start).toBeLessThan(1500)
    const [final, same, events] = await Promise.all(waiting)
    expect([final!.status, final!.json.state, same!.status]).toEqual([200, 'queued', 304])
    expect(events!.text).toContain('event: state')
  })
})
