import { describe, expect, it } from 'vitest'
import { claim, createRun, definition, finish, type OpenStore, useStore } from './subject.ts'

export function claimContract(open: OpenStore): void {
  describe('claims', () => {
    const subject = useStore(open)
    const create = (change = {}) => createRun(subject.store, change)

    it('sets the run running, under a lease, as its next attempt', async () => {
      const queued = await create({ sealedSecrets: 'sealed' })
      subject.clock.advance(250)
      const running = { ...queued, state: 'running', version: 2, attempt: 1, startedAt: subject.clock.now() }
      expect(await claim(subject.store)).toEqual(running)
      expect(await subject.store.runs.get(queued.id)).toEqual(running)
      expect(await subject.store.queue.holds({ run: queued.id, attempt: 1 }, 'wrk_1')).toBe(true)
    })

    it('answers nothing when nothing is queued', async () => {
      expect(await claim(subject.store)).toBeUndefined()
    })

    it('takes the oldest first, by id when two were made in one moment', async () => {
      const runs = [await create(), await create()]
      subject.clock.advance(1)
      runs.push(await create({ workspace: 'wsp_0', suite: 'a' }))
      for (const { id } of runs) expect((await claim(subject.store))?.id).toBe(id)
    })

    it('gives each of ten runs to one of twenty claims at once', async () => {
      for (let i = 0; i < 10; i++) await create({ suite: `suite-${i % 3}`, workspace: `wsp_${i % 2}` })
      const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => claim(subject.store, `wrk_${i}`)))
      const ids = claims.flatMap((run) => (run ? [run.id] : []))
      expect(ids).toHaveLength(10)
      expect(new Set(ids).size).toBe(10)
    })

    it('gives a run only to a worker that has all of its labels', async () => {
      const gpu = await create({ definition: definition({ runsOn: ['linux', 'gpu'] }) })
      subject.clock.advance(1)
      const plain = await create()
      expect((await claim(subject.store, 'wrk_1', ['linux']))?.id).toBe(plain.id)
      expect(await claim(subject.store, 'wrk_1', ['linux'])).toBeUndefined()
      expect((await claim(subject.store, 'wrk_1', ['x64', 'gpu', 'linux']))?.id).toBe(gpu.id)
    })

    it("holds back what is over the suite's concurrency, and only in that workspace", async () => {
      const one = definition({ concurrency: 1 })
      const first = await create({ definition: one })
      await create({ definition: one })
      const other = await create({ definition: one, workspace: 'wsp_2' })
      expect((await claim(subject.store))?.id).toBe(first.id)
      expect((await claim(subject.store))?.id).toBe(other.id)
      expect(await claim(subject.store)).toBeUndefined()
      await finish(subject.store, { run: first.id, attempt: 1 })
      expect(await claim(subject.store)).toBeDefined()
    })

    it("counts all running runs of the suite against a run's own concurrency", async () => {
      await create({ definition: definition({ concurrency: 5 }) })
      await create({ definition: definition({ concurrency: 1 }) })
      await create({ definition: definition({ concurrency: 2 }) })
      expect((await claim(subject.store))?.definition.concurrency).toBe(5)
      expect((await claim(subject.store))?.definition.concurrency).toBe(2)
      expect(await claim(subject.store)).toBeUndefined()
    })

    it('lets no race past a limit', async () => {
      for (let i = 0; i < 10; i++) await create({ definition: definition({ concurrency: 3 }) })
      const claims = await Promise.all(Array.from({ length: 10 }, () => claim(subject.store)))
      expect(claims.filter(Boolean)).toHaveLength(3)
    })

    it('lets a workspace at its limit block nobody, however many of its runs stand in front', async () => {
      for (let i = 0; i < 30; i++) await create({ workspace: 'wsp_big', suite: `suite-${i % 4}` })
      subject.clock.advance(1000)
      const small = await create({ workspace: 'wsp_small' })
      const claimed = [await claim(subject.store, 'wrk_1', [], 2), await claim(subject.store, 'wrk_1', [], 2)]
      expect(claimed.map((run) => run?.workspace)).toEqual(['wsp_big', 'wsp_big'])
      expect((await claim(subject.store, 'wrk_1', [], 2))?.id).toBe(small.id)
      expect(await claim(subject.store, 'wrk_1', [], 2)).toBeUndefined()
    })

    it('gives a slot back however the run ends', async () => {
      const ways = {
        finished: (run: string) => subject.store.queue.finish({ run, attempt: 1 }, 'wrk_1', finished),
        released: (run: string) => subject.store.queue.release({ run, attempt: 1 }, 'wrk_1'),
        lost: async () => {
          subject.clock.advance(3_600_000)
          await subject.store.queue.takeBackLost(10)
        },
      }
      const finished = { state: 'failed' as const, results: null, reason: null }
      for (const [name, end] of Object.entries(ways)) {
        const run = await create({ workspace: name, definition: definition({ attempts: 1 }) })
        expect((await claim(subject.store, 'wrk_1', [], 1))?.id).toBe(run.id)
        expect(await subject.store.queue.depth()).toEqual({ queued: 0, running: 1 })
        await end(run.id)
        expect((await subject.store.queue.depth()).running).toBe(0)
        await subject.store.runs.cancel(run.id, 'cancelled_by_user', '')
      }
    })

    it('forgets why the run had to wait', async () => {
      const { id } = await create()
      await subject.store.queue.explain(id, { code: 'no_runner', message: 'No worker has gpu.', fault: 'service' })
      expect(await claim(subject.store)).toMatchObject({ id, state: 'running', reason: null, version: 3 })
    })
  })
}
