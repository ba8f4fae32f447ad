import { describe, expect, it } from 'vitest'
import { claim, createRun, definition, LEASE_MS, type OpenStore, runningRun, SECOND, useStore } from './subject.ts'

export function sweepsContract(open: OpenStore): void {
  describe('lost leases', () => {
    const subject = useStore(open)
    const takeBack = (limit = 10) => subject.store.queue.takeBackLost(limit)

    it('queues a run again while it has tries left', async () => {
      const { run } = await runningRun(subject.store, { sealedSecrets: 'sealed' })
      subject.clock.advance(LEASE_MS)
      const back = { ...run, state: 'queued', version: run.version + 1, startedAt: null, lostLeases: 1 }
      expect(await takeBack()).toEqual([back])
      expect(await subject.store.runs.get(run.id)).toEqual(back)
      expect(await takeBack()).toEqual([])
    })

    it('ends a run by worker_lost when its tries are used up, and erases its secrets', async () => {
      const attempts = definition({ attempts: 2 })
      const { run } = await runningRun(subject.store, { definition: attempts, sealedSecrets: 'sealed' })
      subject.clock.advance(LEASE_MS)
      await takeBack()
      expect(await claim(subject.store)).toMatchObject({ id: run.id, attempt: 2 })
      subject.clock.advance(LEASE_MS)
      const [ended] = await takeBack()
      expect(ended).toMatchObject({ state: 'errored', lostLeases: 2, sealedSecrets: null, results: null })
      expect(ended?.finishedAt).toBe(subject.clock.now())
      expect(ended?.reason).toMatchObject({ code: 'worker_lost', fault: 'service' })
      expect(ended?.reason?.message).toMatch(/twice.*2 attempts/)
      expect(await claim(subject.store)).toBeUndefined()
    })

    it('ends a run at its first lost lease when it may be tried once only', async () => {
      await runningRun(subject.store, { definition: definition({ attempts: 1 }) })
      subject.clock.advance(LEASE_MS)
      expect(await takeBack()).toMatchObject([{ state: 'errored', reason: { code: 'worker_lost' } }])
    })

    it('counts runs that were handed back as no loss', async () => {
      const { run, lease } = await runningRun(subject.store, { definition: definition({ attempts: 1 }) })
      await subject.store.queue.release(lease, 'wrk_1')
      await claim(subject.store)
      subject.clock.advance(LEASE_MS)
      expect(await takeBack()).toMatchObject([{ id: run.id, lostLeases: 1, attempt: 2 }])
    })

    it('cancels a run whose worker was lost while it was to be stopped', async () => {
      const { run } = await runningRun(subject.store, { sealedSecrets: 'sealed' })
      await subject.store.runs.cancel(run.id, 'abandoned', 'nobody waits')
      subject.clock.advance(LEASE_MS)
      expect(await takeBack()).toMatchObject([
        {
          state: 'cancelled',
          reason: { code: 'abandoned', message: 'nobody waits', fault: null },
          sealedSecrets: null,
        },
      ])
    })

    it('takes back no more than it was told to, the longest lost first', async () => {
      const { run } = await runningRun(subject.store)
      subject.clock.advance(1)
      const { run: later } = await runningRun(subject.store)
      subject.clock.advance(LEASE_MS)
      expect((await takeBack(1)).map(({ id }) => id)).toEqual([run.id])
      expect((await takeBack(1)).map(({ id }) => id)).toEqual([later.id])
    })

    it('takes a run back once when many sweep at once', async () => {
      const { run } = await runningRun(subject.store)
      subject.clock.advance(LEASE_MS)
      const swept = await Promise.all(Array.from({ length: 5 }, () => takeBack()))
      expect(swept.flat()).toHaveLength(1)
      expect((await subject.store.runs.get(run.id))?.lostLeases).toBe(1)
    })
  })

  describe('abandoned runs', () => {
    const subject = useStore(open)
    const sweep = (watchSince = 0, limit = 10) => subject.store.queue.cancelAbandoned(watchSince, limit)

    it('are cancelled when nobody was there for as long as they allow', async () => {
      const run = await createRun(subject.store, { abandonAfterSeconds: 60, sealedSecrets: 'sealed' })
      await createRun(subject.store)
      subject.clock.advance(60 * SECOND - 1)
      expect(await sweep()).toEqual([])
      subject.clock.advance(1)
      expect(await sweep()).toMatchObject([
        { id: run.id, state: 'cancelled', reason: { code: 'abandoned', fault: null }, sealedSecrets: null },
      ])
      expect(await sweep()).toEqual([])
    })

    it('are told to stop when they are running', async () => {
      const { run, lease } = await runningRun(subject.store, { abandonAfterSeconds: 60 })
      subject.clock.advance(60 * SECOND)
      expect(await sweep()).toEqual([{ ...run, cancelReason: 'abandoned' }])
      expect(await sweep()).toEqual([])
      expect(await subject.store.queue.renew(lease, 'wrk_1', LEASE_MS)).toEqual({ cancelReason: 'abandoned' })
    })

    it('are left alone while somebody is there', async () => {
      const { id } = await createRun(subject.store, { abandonAfterSeconds: 60 })
      for (let i = 0; i < 5; i++) {
        subject.clock.advance(59 * SECOND)
        await subject.store.runs.markWatched(id)
        expect(await sweep()).toEqual([])
      }
      subject.clock.advance(60 * SECOND)
      expect(await sweep()).toHaveLength(1)
    })

    it('are watched at most every 15 s', async () => {
      const { id } = await createRun(subject.store, { abandonAfterSeconds: 30 })
      subject.clock.advance(15 * SECOND - 1)
      await subject.store.runs.markWatched(id)
      subject.clock.advance(15 * SECOND + 1)
      expect(await sweep()).toHaveLength(1)
    })

    it('are watched also after the clock was set back', async () => {
      const { id } = await createRun(subject.store, { abandonAfterSeconds: 30 })
      subject.clock.jump(-3600 * SECOND)
      await subject.store.runs.markWatched(id)
      subject.clock.advance(30 * SECOND)
      expect(await sweep()).toHaveLength(1)
    })

    it('have their time begin anew with the server', async () => {
      const { id } = await createRun(subject.store, { abandonAfterSeconds: 60 })
      subject.clock.advance(600 * SECOND)
      const started = subject.clock.now()
      expect(await sweep(started)).toEqual([])
      subject.clock.advance(60 * SECOND)
      expect((await sweep(started)).map((run) => run.id)).toEqual([id])
    })

    it('are handled no more at once than was said', async () => {
      for (let i = 0; i < 3; i++) await createRun(subject.store, { abandonAfterSeconds: 30 })
      subject.clock.advance(30 * SECOND)
      expect([await sweep(0, 2), await sweep(0, 2)].map((runs) => runs.length)).toEqual([2, 1])
    })
  })

  describe('runs that wait too long', () => {
    const subject = useStore(open)
    const sweep = (limit = 10) => subject.store.queue.endOverdue(limit)

    it('end by queue_timeout, and say what they waited for', async () => {
      const { id } = await createRun(subject.store, { queueTimeoutSeconds: 60, sealedSecrets: 'sealed' })
      const why = { code: 'no_runner' as const, message: 'No worker has the label gpu.', fault: 'service' as const }
      await subject.store.queue.explain(id, why)
      subject.clock.advance(60 * SECOND - 1)
      expect(await sweep()).toEqual([])
      subject.clock.advance(1)
      const [run] = await sweep()
      expect(run).toMatchObject({ id, state: 'errored', sealedSecrets: null, reason: { code: 'queue_timeout' } })
      expect(run?.reason).toMatchObject({ fault: 'service', message: expect.stringMatching(/60 s.*label gpu/) })
      expect(await sweep()).toEqual([])
    })

    it('are not those that run', async () => {
      await runningRun(subject.store, { queueTimeoutSeconds: 60 })
      subject.clock.advance(61 * SECOND)
      expect(await sweep()).toEqual([])
    })

    it('wait anew when they were handed back', async () => {
      const { lease } = await runningRun(subject.store, { queueTimeoutSeconds: 60 })
      subject.clock.advance(90 * SECOND)
      await subject.store.queue.release(lease, 'wrk_1')
      expect(await sweep()).toEqual([])
      subject.clock.advance(60 * SECOND)
      expect(await sweep()).toHaveLength(1)
    })

    it('end no more at once than was said', async () => {
      for (let i = 0; i < 3; i++) await createRun(subject.store, { queueTimeoutSeconds: 1 })
      subject.clock.advance(SECOND)
      expect([await sweep(2), await sweep(2)].map((runs) => runs.length)).toEqual([2, 1])
    })
  })
}
