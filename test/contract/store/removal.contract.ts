import { describe, expect, it } from 'vitest'
import { claim, createRun, finish, type OpenStore, runningRun, SECOND, sha256, useStore, WORKSPACE } from './subject.ts'

const ONE_CASE = {
  ...{ name: 'a', classname: null, testSuite: null, file: null, line: null, state: 'passed' as const },
  ...{ durationMs: null, message: null, details: null, flaky: false },
}

export function removalContract(open: OpenStore): void {
  describe('removal of what is old', () => {
    const subject = useStore(open)

    /** A finished run with a case, a log and an artifact of that blob. */
    async function runWithAll(blob: number) {
      const { lease } = await runningRun(subject.store, { labels: ['x'] })
      await subject.store.cases.append(lease, 1, [ONE_CASE])
      await subject.store.runLog.append(lease, 1, 'text')
      await subject.store.artifacts.add(lease, { path: 'a', bytes: 1, sha256: sha256(blob) })
      return finish(subject.store, lease)
    }
    const parts = async (run: string) => ({
      cases: (await subject.store.cases.list(run, 1, { afterId: 0, limit: 10 })).length,
      log: (await subject.store.runLog.read(run, 1, 0, 10)).length,
      artifacts: (await subject.store.artifacts.list(run, 1)).length,
    })

    it('removes a run with its cases, log and artifacts, and names the blobs that nothing needs any more', async () => {
      const run = await runWithAll(7)
      subject.clock.advance(SECOND)
      expect(await subject.store.runs.removeOlder(run.finishedAt!, 10)).toEqual({ removed: 0, blobs: [] })
      const answer = await subject.store.runs.removeOlder(run.finishedAt! + 1, 10)
      expect(answer).toEqual({ removed: 1, blobs: [sha256(7)] })
      expect(await subject.store.runs.get(run.id)).toBeUndefined()
      expect(await subject.store.runs.list(WORKSPACE, { label: 'x' }, { limit: 10 })).toEqual([])
      expect(await parts(run.id)).toEqual({ cases: 0, log: 0, artifacts: 0 })
    })

    it('keeps blobs that another run or an archive needs', async () => {
      await runWithAll(1)
      await runWithAll(2)
      await subject.store.archives.add({ workspace: 'wsp_2', sha256: sha256(2), bytes: 1, filesDigest: 'd' }, 100)
      subject.clock.advance(SECOND)
      const border = subject.clock.now()
      await runWithAll(1)
      expect(await subject.store.runs.removeOlder(border, 10)).toEqual({ removed: 2, blobs: [] })
    })

    it('leaves alone what is queued or running, and never removes more than it was told to', async () => {
      const first = await runWithAll(1)
      subject.clock.advance(SECOND)
      const second = await runWithAll(2)
      const queued = await createRun(subject.store)
      subject.clock.advance(SECOND)
      const border = subject.clock.now()
      expect(await subject.store.runs.removeOlder(border, 1)).toMatchObject({ removed: 1 })
      expect(await subject.store.runs.get(first.id)).toBeUndefined()
      expect(await subject.store.runs.get(second.id)).toBeDefined()
      expect(await subject.store.runs.removeOlder(border, 10)).toMatchObject({ removed: 1 })
      expect(await subject.store.runs.get(queued.id)).toBeDefined()
    })

    it('removes a run of any size', async () => {
      const { lease } = await runningRun(subject.store)
      for (let seq = 1; seq <= 3; seq++) {
        await subject.store.cases.append(
          lease,
          seq,
          Array.from({ length: 500 }, () => ONE_CASE),
        )
      }
      await Promise.all(Array.from({ length: 1100 }, (_, i) => subject.store.runLog.append(lease, i + 1, 'x')))
      await finish(subject.store, lease)
      subject.clock.advance(1)
      expect(await subject.store.runs.removeOlder(subject.clock.now(), 10)).toMatchObject({ removed: 1 })
      expect(await parts(lease.run)).toEqual({ cases: 0, log: 0, artifacts: 0 })
    })

    it('removes logs alone, of all attempts, without a new version', async () => {
      const { lease } = await runningRun(subject.store)
      await subject.store.runLog.append(lease, 1, 'first attempt')
      await subject.store.queue.release(lease, 'wrk_1')
      await claim(subject.store)
      const run = await finish(subject.store, { ...lease, attempt: 2 })
      subject.clock.advance(1)
      expect(await subject.store.runLog.removeOlder(subject.clock.now(), 10)).toBe(1)
      expect(await subject.store.runLog.read(run.id, 1, 0, 10)).toEqual([])
      expect(await subject.store.runs.get(run.id)).toEqual(run)
      expect(await subject.store.runLog.removeOlder(subject.clock.now(), 10)).toBe(0)
    })

    it('removes artifacts alone, which the run then shows', async () => {
      const run = await runWithAll(5)
      subject.clock.advance(1)
      expect(await subject.store.artifacts.removeOlder(subject.clock.now(), 10)).toEqual([sha256(5)])
      expect(await parts(run.id)).toEqual({ cases: 1, log: 1, artifacts: 0 })
      expect(await subject.store.runs.get(run.id)).toEqual({ ...run, artifacts: 0, version: run.version + 1 })
      expect(await subject.store.artifacts.removeOlder(subject.clock.now(), 10)).toEqual([])
    })

    it('names the blob of an artifact that was replaced, unless something needs it', async () => {
      const { lease } = await runningRun(subject.store)
      const add = (path: string, n: number) => subject.store.artifacts.add(lease, { path, bytes: n, sha256: sha256(n) })
      for (const n of [1, 2, 3]) await add('a', n)
      await add('b', 2)
      expect(await subject.store.artifacts.removeOlder(0, 10)).toEqual([sha256(1)])
    })

    it('frees the idempotency key of a run that is gone', async () => {
      const idempotency = { key: 'k', meaning: 'm' }
      const { id } = await createRun(subject.store)
      await subject.store.runs.cancel(id, 'cancelled_by_user', '')
      subject.clock.advance(1)
      await subject.store.runs.removeOlder(subject.clock.now(), 10)
      const { id: _, ...same } = await createRun(subject.store)
      const answer = await subject.store.runs.create({ ...same, id }, { maxQueued: 100, idempotency })
      expect(answer).toMatchObject({ replayed: false, run: { id, state: 'queued', version: 1 } })
    })
  })
}
