import { afterAll, beforeAll, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { readEvents } from './event-reader.ts'

let server: TestServer
let token: string
beforeAll(async () => {
  // Real commands, by the process runner.
  server = await startServer({ env: { VERDICT_WORKER_SLOTS: '1', VERDICT_STOP_GRACE_SECONDS: '0' } })
  token = await server.token()
})
afterAll(() => server?.stop())

const start = async (run: string): Promise<string> =>
  (await server.request('POST', '/v1/runs', { token, json: { suite: 'a', definition: { run } } })).json.id
const cancel = (run: string) => server.request('POST', `/v1/runs/${run}/cancel`, { token })
const final = async (run: string) =>
  (await server.request('GET', `/v1/runs/${run}`, { token, headers: { prefer: 'wait=50' } })).json

it('a running run is stopped within 2 s, with all that it started, and a queued one at once', async () => {
  const running = await start('echo started; (trap "" TERM; sleep 1000) & sleep 1000')
  const events = await readEvents(server, running, token)
  await events.until((seen) => seen.events.some(({ event, data }) => event === 'log' && data.includes('started')))
  const queued = await start('true')

  const atOnce = await cancel(queued)
  expect([atOnce.status, atOnce.json.state]).toEqual([202, 'cancelled'])
  expect(atOnce.json).toMatchObject({
    startedAt: null,
    reason: { code: 'cancelled_by_user', fault: null, message: expect.stringContaining('first key') },
  })

  const asked = performance.now()
  const soon = await cancel(running)
  expect([soon.status, soon.json.state]).toEqual([202, 'running'])
  expect(await final(running)).toMatchObject({ state: 'cancelled', reason: { code: 'cancelled_by_user', fault: null } })
  expect(performance.now() - asked).toBeLessThan(2000)
  await events.ended()
  expect(events.events.at(-1)!.data.state).toBe('cancelled')
})

it('a final run stays as it is', async () => {
  const run = await start('true')
  const before = await final(run)
  expect(before).toMatchObject({ state: 'passed', results: { total: 1, passed: 1 } })
  const answer = await cancel(run)
  expect([answer.status, answer.json]).toEqual([200, before])
})

it('a run with a body, as some clients send one, is cancelled all the same', async () => {
  const run = await start('sleep 1000')
  const answer = await server.request('POST', `/v1/runs/${run}/cancel`, { token, json: {} })
  expect(answer.status).toBe(202)
  expect((await final(run)).state).toBe('cancelled')
})
