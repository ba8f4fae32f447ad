import { describe, expect, it } from 'vitest'
import { createRun, finishedRun, type OpenStore, runningRun, useStore } from './subject.ts'

const WHY = { code: 'no_runner' as const, message: 'No worker has the label gpu.', fault: 'service' as const }

export function queueContract(open: OpenStore): void {
  describe('the queue', () => {
    const subject = useStore(open)

    it('shows what waits, oldest first', async () => {
      const { run } = await runningRun(subject.store)
      const first = await createRun(subject.store, { workspace: 'wsp_2' })
      subject.clock.advance(1)
      const second = await createRun(subject.store)
      await createRun(subject.store)
      expect(await subject.store.queue.waiting(2)).toEqual([first, second])
      expect((await subject.store.queue.waiting(10)).map(({ id }) => id)).not.toContain(run.id)
    })

    it('tells why a run waits and takes it back, each time with a new version and only then', async () => {
      const run = await createRun(subject.store)
      await subject.store.queue.explain(run.id, WHY)
      await subject.store.queue.explain(run.id, WHY)
      expect(await subject.store.runs.get(run.id)).toEqual({ ...run, version: 2, reason: WHY })
      await subject.store.queue.explain(run.id, null)
      await subject.store.queue.explain(run.id, null)
      expect(await subject.store.runs.get(run.id)).toEqual({ ...run, version: 3 })
    })

    it('explains nothing of a run that does not wait', async () => {
      const { run } = await runningRun(subject.store)
      await subject.store.queue.explain(run.id, WHY)
      await subject.store.queue.explain('run_none', WHY)
      expect(await subject.store.runs.get(run.id)).toEqual(run)
    })

    it("ends a queued run by the server's own reason", async () => {
      const { id } = await createRun(subject.store, { sealedSecrets: 'sealed' })
      const verdict = { state: 'errored' as const, results: null, reason: WHY }
      const run = await subject.store.queue.endQueued(id, verdict)
      expect(run).toMatchObject({ ...verdict, finishedAt: subject.clock.now(), sealedSecrets: null, version: 2 })
      expect(await subject.store.queue.endQueued(id, verdict)).toBeUndefined()
      expect(await subject.store.runs.get(id)).toEqual(run)
    })

    it('ends no run that was claimed meanwhile', async () => {
      const { run } = await runningRun(subject.store)
      const verdict = { state: 'errored' as const, results: null, reason: WHY }
      expect(await subject.store.queue.endQueued(run.id, verdict)).toBeUndefined()
      expect(await subject.store.runs.get(run.id)).toEqual(run)
    })

    it('knows its depth over all workspaces', async () => {
      expect(await subject.store.queue.depth()).toEqual({ queued: 0, running: 0 })
      await finishedRun(subject.store)
      await runningRun(subject.store)
      await runningRun(subject.store, { workspace: 'wsp_2' })
      await createRun(subject.store, { workspace: 'wsp_3' })
      expect(await subject.store.queue.depth()).toEqual({ queued: 1, running: 2 })
    })
  })
}
