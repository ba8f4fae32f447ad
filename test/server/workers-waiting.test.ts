import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Run } from '../../contract/runs.ts'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newPerson, type Person } from './people.ts'

const NEVER = new AbortController().signal

let clock: MovableClock
let server: TestServer
let person: Person
beforeEach(async () => {
  clock = new MovableClock(Date.now())
  server = await startServer({ clock, env: { VERDICT_RUNNER: 'none', VERDICT_ROLES: 'api' } })
  person = await newPerson(server)
})
afterEach(() => server?.stop())

const start = async (definition: object = {}): Promise<string> => {
  const json = { suite: 'a', definition: { run: 'x', ...definition } }
  return (await server.request('POST', '/v1/runs', { token: person.token, json })).json.id
}
const read = async (run: string): Promise<Run> =>
  (await server.request('GET', '/v1/runs?limit=200', { token: person.token })).json.items.find(
    ({ id }: Run) => id === run,
  )
/** As `test/server/queue.test.ts` lets time go by. */
async function pass(seconds: number, each: () => unknown = () => undefined): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await each()
    clock.advance(1000)
    for (let turns = 0; turns < 40; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
}
const heard = (id: string, workspace?: string) => () =>
  server.server.work.forWorker(id, workspace).claim({ labels: ['linux'], runner: 'test' }, 0, NEVER)

describe('a run that no worker may take', () => {
  it('ends by no_runner after a minute, whatever workers of other workspaces there are', async () => {
    const run = await start()
    await pass(40, heard('wrk_theirs', 'wsp_other'))
    expect(await read(run)).toMatchObject({ state: 'queued', reason: { code: 'no_runner', fault: 'service' } })
    await pass(22, heard('wrk_theirs', 'wsp_other'))
    expect(await read(run)).toMatchObject({ state: 'errored', reason: { code: 'no_runner', fault: 'service' } })
  })

  it.each([
    ['of its workspace', () => person.workspace],
    ['that is shared', () => undefined],
  ])('waits on while there is a worker %s that has not its labels', async (_what, workspace) => {
    const run = await start({ runsOn: ['gpu'] })
    await pass(90, heard('wrk_ours', workspace()))
    expect(await read(run)).toMatchObject({
      state: 'queued',
      reason: { message: expect.stringMatching(/runsOn.*gpu.*linux/) },
    })
  })

  it('knows of workers that another node has seen', async () => {
    const made = await server.request('POST', '/v1/workers', { json: { name: 'x', shared: true, labels: ['gpu'] } })
    const token = await server.token(undefined, made.json.key)
    const hello = { protocol: 1, version: '1', runner: 'sandbox', labels: ['linux'] }
    await server.request('POST', '/v1/work/hello', { token, json: hello })
    // It said what it is and has asked for nothing here: all that is known of it is in the store.
    expect(await server.server.work.alive()).toEqual([{ workspace: null, labels: ['gpu', 'linux'] }])
    await pass(61)
    expect(await server.server.work.alive()).toEqual([])
  })
})
