import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReportedCase } from '../../contract/cases.ts'
import type { Job, Work } from '../../worker/work.ts'
import { caseOf } from '../server/hand-worker.ts'
import { packedTree } from '../support/packed-tree.ts'
import { startServer, type TestServer } from '../support/server.ts'

export interface WorkSubject {
  /** Two workers of one server. */
  readonly work: Work
  readonly other: Work
  close?(): Promise<void>
}

const FACTS = { labels: ['linux'], runner: 'by hand' }
const NEVER = new AbortController().signal
const PASSED = { results: { total: 1, passed: 1, failed: 0, skipped: 0, errored: 0, flaky: 0 }, reason: null }

/** What `worker/work.ts` promises, whatever is between the worker and the server. */
export function workContract(name: string, open: (server: TestServer) => Promise<WorkSubject>): void {
  describe(`work ${name}`, () => {
    let server: TestServer
    let subject: WorkSubject
    beforeAll(async () => {
      server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_ROLES: 'api' } })
      subject = await open(server)
    })
    afterAll(async () => {
      await subject?.close?.()
      await server?.stop()
    })

    async function queue(definition: object = {}, more: object = {}): Promise<string> {
      const json = { suite: 'smoke', definition: { run: 'npm test', ...definition }, ...more }
      const { json: run, status, text } = await server.request('POST', '/v1/runs', { json })
      if (status !== 202) throw new Error(text)
      return run.id
    }
    const runOf = async (id: string) => (await server.request('GET', `/v1/runs/${id}`)).json
    const claim = (work = subject.work) => work.claim(FACTS, 0, NEVER)
    async function claimed(definition?: object, more?: object): Promise<Job> {
      const run = await queue(definition, more)
      const job = await claim()
      expect(job?.lease).toEqual({ run, attempt: 1 })
      return job!
    }
    const cancel = (run: string) => server.request('POST', `/v1/runs/${run}/cancel`)

    it('gives a run with all that it takes to execute it, once', async () => {
      const job = await claimed(
        { variables: { TARGET: 'x', OTHER: 'y' }, secrets: ['TOKEN'], timeoutSeconds: 60 },
        {
          variables: { TARGET: 'z' },
          secrets: { TOKEN: 'geheim' },
          ci: { commit: 'c1', branch: 'main', pullRequest: '7' },
        },
      )
      expect(job).toMatchObject({
        suite: 'smoke',
        definition: { run: 'npm test', kind: 'command', archive: null },
        timeoutSeconds: 60,
        variables: { TARGET: 'z', OTHER: 'y' },
        secrets: { TOKEN: 'geheim' },
        ...{ commit: 'c1', branch: 'main', pullRequest: '7' },
      })
      expect(await claim()).toBeUndefined()
      expect(await claim(subject.other)).toBeUndefined()
      expect(await runOf(job.lease.run)).toMatchObject({ state: 'running', attempt: 1 })
      expect(await subject.work.finish(job.lease, PASSED)).toBe('accepted')
    })

    it('holds a claim until there is a run', async () => {
      const held = subject.work.claim(FACTS, 20_000, NEVER)
      const run = await queue()
      const job = await held
      expect(job?.lease.run).toBe(run)
      await subject.work.release(job!.lease)
      await cancel(run)
    })

    it('gives nothing to a claim that was given up', async () => {
      const giveUp = new AbortController()
      const held = subject.work.claim(FACTS, 20_000, giveUp.signal)
      giveUp.abort()
      expect(await held).toBeUndefined()
      const run = await queue()
      const job = await subject.other.claim(FACTS, 20_000, NEVER)
      expect(job?.lease.run).toBe(run)
      await subject.other.finish(job!.lease, PASSED)
    })

    it("gives a run only to a worker that has the suite's labels", async () => {
      const run = await queue({ runsOn: ['gpu'] })
      expect(await claim()).toBeUndefined()
      const job = await subject.work.claim({ ...FACTS, labels: ['gpu', 'linux'] }, 0, NEVER)
      expect(job?.lease.run).toBe(run)
      await subject.work.finish(job!.lease, PASSED)
    })

    it('takes log, cases, files and verdict, each as often as it is said', async () => {
      const { lease } = await claimed({ report: ['report.xml'] })
      const cases: ReportedCase[] = [
        caseOf('adds'),
        caseOf('takes away', { state: 'failed', message: 'no\u0000', line: 3 }),
      ]
      const file = async function* () {
        yield Buffer.from('pic')
        yield Buffer.from('ture')
      }
      for (let i = 0; i < 2; i++) {
        expect(await subject.work.log(lease, 1, 'one\n')).toBe('accepted')
        expect(await subject.work.log(lease, 2, 'zwölf \u001b[31m\n')).toBe('accepted')
        expect(await subject.work.cases(lease, 1, cases)).toBe('accepted')
        expect(await subject.work.artifact(lease, 'shots/ü %2F ..#?.png', file())).toBe('accepted')
      }
      expect(await subject.work.cases(lease, 2, [caseOf('divides')])).toBe('accepted')
      const results = { ...PASSED.results, total: 3, passed: 2, failed: 1 }
      const outcome = { results, reason: { code: 'tests_failed' as const, message: '1 of 3 tests failed' } }
      expect(await subject.work.finish(lease, outcome)).toBe('accepted')
      expect(await subject.work.finish(lease, PASSED)).toBe('lost')
      const run = await runOf(lease.run)
      expect(run).toMatchObject({
        state: 'failed',
        results,
        artifacts: 1,
        reason: { code: 'tests_failed', fault: 'suite' },
      })
      expect((await server.request('GET', `/v1/runs/${lease.run}/log`)).text).toBe('one\nzwölf \u001b[31m\n')
      const listed = await server.request('GET', `/v1/runs/${lease.run}/cases`)
      expect(listed.json.items.map(({ name: title }: { name: string }) => title)).toEqual([
        'adds',
        'takes away',
        'divides',
      ])
      expect(listed.json.items[1]).toMatchObject({ ...cases[1], id: 2 })
      const kept = encodeURIComponent('shots/ü %2F ..#?.png')
      expect((await server.request('GET', `/v1/runs/${lease.run}/artifacts/${kept}`)).text).toBe('picture')
    })

    it('takes files that are larger than any other body', async () => {
      const { lease } = await claimed()
      const file = async function* () {
        for (let i = 0; i < 3; i++) yield Buffer.alloc(1_000_000, i)
      }
      expect(await subject.work.artifact(lease, 'large', file())).toBe('accepted')
      await subject.work.finish(lease, PASSED)
      const { json } = await server.request('GET', `/v1/runs/${lease.run}/artifacts`)
      expect(json.items).toMatchObject([{ path: 'large', bytes: 3_000_000 }])
    })

    it('takes 500 cases with long texts in one call', async () => {
      const { lease } = await claimed()
      const cases = Array.from({ length: 500 }, (_, i) => caseOf(`case ${i}`, { details: '\u001b\n'.repeat(1000) }))
      expect(await subject.work.cases(lease, 1, cases)).toBe('accepted')
      await subject.work.finish(lease, PASSED)
      const { json } = await server.request('GET', `/v1/runs/${lease.run}/cases?limit=200`)
      expect(json.items).toHaveLength(200)
    })

    it('takes the log in whatever order it comes', async () => {
      const { lease } = await claimed()
      for (const [seq, text] of [
        [2, 'b'],
        [1, 'a'],
        [3, 'c'],
        [1, 'A'],
      ] as const)
        expect(await subject.work.log(lease, seq, text)).toBe('accepted')
      expect((await server.request('GET', `/v1/runs/${lease.run}/log`)).text).toBe('abc')
      await subject.work.finish(lease, PASSED)
    })

    it('gives the packed tree, whole', async () => {
      const bytes = await packedTree({ 'a.txt': 'a'.repeat(100_000), 'b/c.txt': 'c' })
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const uploaded = await server.request('PUT', `/v1/archives/${sha256}`, {
        body: new Uint8Array(bytes),
        headers: { 'content-type': 'application/gzip' },
      })
      expect(uploaded.status).toBe(200)
      const { lease } = await claimed({ archive: sha256 })
      for (let i = 0; i < 2; i++) {
        const chunks: Uint8Array[] = []
        for await (const chunk of (await subject.work.archive(lease))!) chunks.push(chunk)
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
      }
      expect(await subject.other.archive(lease)).toBeUndefined()
      await subject.work.finish(lease, PASSED)
      expect(await subject.work.archive(lease)).toBeUndefined()
    })

    it('gives the commit to fetch with its credential, apart from what the run is given', async () => {
      const source = { git: 'https://git.example/acme/shop.git', credential: 'GIT_TOKEN', submodules: true }
      await server.request('PUT', '/v1/suites/fetched', { json: { definition: { run: 'x', source } } })
      await server.request('PUT', '/v1/suites/fetched/secrets/GIT_TOKEN', { json: { value: 'geheim' } })
      const commit = 'a'.repeat(40)
      const run = await server.request('POST', '/v1/runs', { json: { suite: 'fetched', ci: { commit } } })
      expect(run.status, run.text).toBe(202)
      const job = await claim()
      expect(job?.source).toEqual({ url: source.git, commit, credential: 'geheim', submodules: true })
      expect(job?.secrets).toEqual({})
      await subject.work.finish(job!.lease, PASSED)
    })

    it('tells a held heartbeat at once when the run is to be stopped', async () => {
      const { lease } = await claimed()
      expect(await subject.work.heartbeat(lease, 0, NEVER)).toEqual({ order: 'go_on' })
      const held = subject.work.heartbeat(lease, 20_000, NEVER)
      await cancel(lease.run)
      expect(await held).toEqual({ order: 'cancel', reason: 'cancelled_by_user' })
      expect(await subject.work.heartbeat(lease, 20_000, NEVER)).toMatchObject({ order: 'cancel' })
      const reason = { code: 'cancelled_by_user' as const, message: 'stopped' }
      expect(await subject.work.finish(lease, { results: null, reason })).toBe('accepted')
      expect((await runOf(lease.run)).state).toBe('cancelled')
    })

    it('puts a run that is handed back into the queue, with nothing lost', async () => {
      const { lease } = await claimed({ attempts: 1 })
      expect(await subject.work.release(lease)).toBe('accepted')
      expect(await subject.work.release(lease)).toBe('lost')
      expect(await subject.work.heartbeat(lease, 0, NEVER)).toEqual({ order: 'lost' })
      const again = await claim(subject.other)
      expect(again?.lease).toEqual({ run: lease.run, attempt: 2 })
      expect(await subject.other.finish(again!.lease, PASSED)).toBe('accepted')
    })

    it.each<[string, (work: Work, lease: Job['lease']) => Promise<unknown>, unknown]>([
      ['heartbeats', (work, lease) => work.heartbeat(lease, 0, NEVER), { order: 'lost' }],
      ['output', (work, lease) => work.log(lease, 1, 'x'), 'lost'],
      ['cases', (work, lease) => work.cases(lease, 1, [caseOf('x')]), 'lost'],
      ['files', (work, lease) => work.artifact(lease, 'a', (async function* () {})()), 'lost'],
      ['verdicts', (work, lease) => work.finish(lease, PASSED), 'lost'],
      ['runs handed back', (work, lease) => work.release(lease), 'lost'],
    ])('takes no %s under a lease that is not held', async (_what, say, lost) => {
      const { lease } = await claimed()
      expect(await say(subject.other, lease)).toEqual(lost)
      expect(await say(subject.work, { ...lease, attempt: 2 })).toEqual(lost)
      expect(await say(subject.work, { run: 'run_none', attempt: 1 })).toEqual(lost)
      expect(await runOf(lease.run)).toMatchObject({ state: 'running', artifacts: 0 })
      expect(await subject.work.finish(lease, PASSED)).toBe('accepted')
    })
  })
}
