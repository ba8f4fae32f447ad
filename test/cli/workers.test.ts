import { describe, expect, it } from 'vitest'
import type { NewWorker, Worker } from '../../contract/workers.ts'
import { KEY, scriptedServer } from '../client/scripted-server.ts'
import { verdict } from './machine.ts'

const ID = 'wrk_01jd3v9q8m7x5k2r4t6w8y0zab'
const OTHER = 'wrk_01jd3v9q8m7x5k2r4t6w8y0zac'

function workerOf(fields: Partial<NewWorker> = {}): Worker {
  return {
    id: ID,
    name: 'builder',
    workspace: 'wsp_1',
    shared: false,
    labels: ['linux', 'x64'],
    start: 'vdt_0707',
    end: 'abcd',
    createdAt: '2026-11-01T00:00:00.000Z',
    createdBy: 'usr_1',
    lastSeenAt: null,
    version: null,
    runner: null,
    running: [],
    ...fields,
  }
}

describe('workers create', () => {
  it('prints the key alone on standard output and what to do with it beside it', async () => {
    await using server = await scriptedServer({ 'POST /v1/workers': { status: 201, json: workerOf({ key: KEY }) } })
    const { code, stdout, stderr } = await verdict(['workers', 'create', 'builder'], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${KEY}\n` })
    expect(stderr).toContain('only time the key is shown')
    expect(stderr).toContain('VERDICT_WORKER_KEY')
    expect(stderr).not.toContain(KEY)
    expect(JSON.parse(server.of('POST /v1/workers')[0]!.body.toString())).toEqual({ name: 'builder' })
  })

  it('sends labels, each once, and that it is shared', async () => {
    await using server = await scriptedServer({
      'POST /v1/workers': { status: 201, json: workerOf({ key: KEY, shared: true }) },
    })
    const { stderr } = await verdict(['workers', 'create', 'x', '--labels', 'gpu,cuda,gpu', '--shared'], { server })
    expect(stderr).toContain('every workspace')
    const sent = JSON.parse(server.of('POST /v1/workers')[0]!.body.toString())
    expect(sent).toEqual({ name: 'x', labels: ['gpu', 'cuda'], shared: true })
  })
})

describe('workers list', () => {
  it('shows when each was seen, what it is and what it runs, in one line whatever its name holds', async () => {
    const seen = { lastSeenAt: '2026-11-02T09:30:00.000Z', version: '0.1.0', runner: 'sandbox' }
    const items = [
      workerOf({ ...seen, running: [{ run: 'run_1', suite: 'smoke', attempt: 1 }], name: 'a\n::error::x\u001b[31m' }),
      workerOf({ id: OTHER, name: 'never', shared: true }),
    ]
    await using server = await scriptedServer({ 'GET /v1/workers': { json: { items, next: null } } })
    const { stdout } = await verdict(['workers', 'list'], { server })
    expect(stdout.split('\n')).toHaveLength(4)
    expect(stdout).toMatch(/^ID +LAST SEEN +VERSION +RUNNER +LABELS +RUNS +NAME$/m)
    expect(stdout).toContain('2026-11-02 09:30  0.1.0    sandbox  linux,x64  smoke (run_1)  a')
    expect(stdout).toMatch(/-\s+-\s+-\s+linux,x64\s+-\s+never \(shared\)$/m)
    expect(stdout).not.toContain('\u001b')
    expect(JSON.parse((await verdict(['workers', 'list', '--json'], { server })).stdout)).toEqual({ items })
  })

  it('says so when there are none', async () => {
    await using server = await scriptedServer({ 'GET /v1/workers': { json: { items: [], next: null } } })
    expect((await verdict(['workers', 'list'], { server })).stdout).toBe('no workers\n')
  })
})

describe('workers remove', () => {
  const items = [workerOf(), workerOf({ id: OTHER, name: 'twice' }), workerOf({ id: OTHER, name: 'twice' })]

  it('takes ids and names', async () => {
    await using server = await scriptedServer({
      'GET /v1/workers': { json: { items, next: null } },
      [`DELETE /v1/workers/${ID}`]: { status: 204 },
      [`DELETE /v1/workers/${OTHER}`]: { status: 204 },
    })
    const { code, stdout } = await verdict(['workers', 'remove', 'builder', OTHER], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${ID} removed\n${OTHER} removed\n` })
  })

  it.each([
    ['biulder', 'no worker is named "biulder" (did you mean "builder"?)'],
    ['twice', '2 workers are named "twice"; say which by id'],
  ])('removes nothing when %s is not clear', async (name, message) => {
    await using server = await scriptedServer({ 'GET /v1/workers': { json: { items, next: null } } })
    const { code, stderr } = await verdict(['workers', 'remove', 'builder', name], { server })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(server.seen.filter(({ method }) => method === 'DELETE')).toEqual([])
  })
})
