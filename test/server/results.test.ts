import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Case } from '../../contract/cases.ts'
import { readJUnit } from '../../report/junit-read.ts'
import type { Job } from '../../worker/work.ts'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { caseOf, type HandWorker, handWorker } from './hand-worker.ts'

let server: TestServer
let run: string
let job: Job
let worker: HandWorker
beforeAll(async () => {
  // Time stands still: the lease of the run lasts as long as the tests need.
  server = await startServer({ clock: new MovableClock(Date.now()), env: { VERDICT_RUNNER: 'none' } })
  worker = handWorker(server)
  const json = { suite: 'a', definition: { run: 'x', report: 'r.xml', artifacts: '**' } }
  run = (await server.request('POST', '/v1/runs', { json })).json.id
  job = await worker.claim(run)
})
afterAll(() => server?.stop())
const get = (path: string) => server.request('GET', `/v1/runs/${run}/${path}`)

describe('the log', () => {
  it('is text, whole, and harmless to a browser', async () => {
    await worker.work.log(job.lease, 1, '<script>alert(1)</script>\n')
    await worker.work.log(job.lease, 2, 'ünïcode 🙂\n')
    const answer = await get('log')
    expect(answer.text).toBe('<script>alert(1)</script>\nünïcode 🙂\n')
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
  })
})

describe('artifacts', () => {
  const names: [string, string][] = [
    ['shots/one.png', 'one.png'],
    ['a b.txt', 'a%20b.txt'],
    ['ünï/"quoted"; x=1.html', '%22quoted%22%3B%20x%3D1.html'],
    ["it's (1)*.txt", 'it%27s%20%281%29%2A.txt'],
    ['100%.txt', '100%25.txt'],
    ['line\nbreak.txt', 'line%0Abreak.txt'],
    ['?query#hash', '%3Fquery%23hash'],
  ]

  it.each(names)('named %j are downloaded, and never shown', async (path, shown) => {
    const content = Buffer.from(`<html>${path}`)
    expect(await worker.work.artifact(job.lease, path, Readable.from([content]))).toBe('accepted')
    const listed = await get('artifacts')
    const artifact = listed.json.items.find((item: { path: string }) => item.path === path)
    expect(artifact).toMatchObject({ bytes: content.length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    const answer = await server.request('GET', new URL(artifact.url).pathname)
    expect([answer.status, answer.text]).toEqual([200, content.toString()])
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename*=UTF-8''${shown}`)
    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    expect(answer.headers.get('content-length')).toBe(String(content.length))
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
  })

  it('are counted by the run', async () => {
    expect((await server.request('GET', `/v1/runs/${run}`)).json.artifacts).toBe(names.length)
  })

  it.each(['none.txt', '..%2f..%2fsecret-key', '%2Fetc%2Fpasswd'])('named %s are 404', async (path) => {
    const answer = await get(`artifacts/${path}`)
    expect([answer.status, answer.json.code]).toEqual([404, 'not_found'])
  })
})

describe('cases', () => {
  beforeAll(async () => {
    const cases = [
      caseOf('adds', { classname: 'Sum', testSuite: 'math', file: 'sum.test.ts', line: 3 }),
      caseOf('breaks <&> "quotes"', { state: 'failed', message: 'expected 1 to be 2', details: 'at sum.test.ts:9' }),
      caseOf('skips', { state: 'skipped', durationMs: null }),
      caseOf('dies', { state: 'errored', message: 'no' }),
      caseOf('wobbles', { flaky: true }),
    ]
    await worker.work.cases(job.lease, 1, cases)
    const results = { total: 5, passed: 2, failed: 1, skipped: 1, errored: 1, flaky: 1 }
    await worker.finish(job, { results, reason: { code: 'tests_failed', message: '1 test failed, 1 errored.' } })
  })

  it('are listed in the order of the report, page by page', async () => {
    const seen: Case[] = []
    let cursor: string | null = '0'
    while (cursor !== null) {
      const { json } = await get(`cases?limit=2&cursor=${cursor}`)
      expect(json.items.length).toBeLessThanOrEqual(2)
      seen.push(...json.items)
      cursor = json.next
    }
    expect(seen.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5])
    expect(seen[0]).toEqual({
      id: 1,
      ...caseOf('adds', { classname: 'Sum', testSuite: 'math', file: 'sum.test.ts', line: 3 }),
    })
  })

  it.each([
    ['failed', ['breaks <&> "quotes"']],
    ['passed', ['adds', 'wobbles']],
    ['skipped', ['skips']],
    ['errored', ['dies']],
  ])('are filtered by the state %s', async (state, names) => {
    expect((await get(`cases?state=${state}`)).json.items.map(({ name }: Case) => name)).toEqual(names)
  })

  it.each(['state=sad', 'limit=0', 'limit=201', 'cursor=x', 'cursor=-1', 'x=1'])(
    'are refused with %s',
    async (query) => {
      expect((await get(`cases?${query}`)).status).toBe(400)
    },
  )

  it('are told as JUnit too, harmless to a browser', async () => {
    const answer = await get('junit')
    expect(answer.headers.get('content-type')).toBe('application/xml; charset=utf-8')
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
    const read = readJUnit([{ path: 'junit.xml', bytes: Buffer.from(answer.text) }])
    expect(read.cases.map(({ name, state }) => [name, state])).toEqual([
      ['adds', 'passed'],
      ['breaks <&> "quotes"', 'failed'],
      ['skips', 'skipped'],
      ['dies', 'errored'],
      ['wobbles', 'passed'],
    ])
  })

  it('decide the verdict, which says whose fault it is', async () => {
    expect((await server.request('GET', `/v1/runs/${run}`)).json).toMatchObject({
      state: 'failed',
      results: { total: 5, failed: 1 },
      reason: { code: 'tests_failed', fault: 'suite', message: '1 test failed, 1 errored.' },
    })
  })
})

describe('a verdict that contradicts itself', () => {
  it.each([
    [
      'green without a case',
      { results: { total: 0, passed: 0, failed: 0, skipped: 0, errored: 0, flaky: 0 }, reason: null },
    ],
    [
      'green with a failed case',
      { results: { total: 2, passed: 1, failed: 1, skipped: 0, errored: 0, flaky: 0 }, reason: null },
    ],
    ['green without results', { results: null, reason: null }],
    ['a reason that only the server gives', { results: null, reason: { code: 'worker_lost' as const, message: 'x' } }],
  ])('is never green: %s', async (_what, outcome) => {
    const id = (await server.request('POST', '/v1/runs', { json: { suite: 'b', definition: { run: 'x' } } })).json.id
    await worker.finish(await worker.claim(id), outcome)
    expect((await server.request('GET', `/v1/runs/${id}`)).json).toMatchObject({
      state: 'errored',
      reason: { code: 'internal', fault: 'service' },
    })
  })
})
