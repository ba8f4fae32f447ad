import { describe, expect, it } from 'vitest'
import {
  claim,
  createRun,
  finishedRun,
  LEASE_MS,
  type OpenStore,
  PASSED,
  runningRun,
  SECOND,
  useStore,
} from './subject.ts'

export function leaseContract(open: OpenStore): void {
  describe('leases', () => {
    const subject = useStore(open)

    it('takes the verdict of the holder, and erases the secrets', async () => {
      const { run, lease } = await runningRun(subject.store, { sealedSecrets: 'sealed' })
      subject.clock.advance(5 * SECOND)
      const ended = {
        ...{ ...run, ...PASSED },
        ...{ version: run.version + 1, finishedAt: subject.clock.now(), sealedSecrets: null },
      }
      expect(await subject.store.queue.finish(lease, 'wrk_1', PASSED)).toEqual(ended)
      expect(await subject.store.runs.get(run.id)).toEqual(ended)
      expect(await subject.store.queue.holds(lease, 'wrk_1')).toBe(false)
    })

    it('keeps the reason of a verdict', async () => {
      const { lease } = await runningRun(subject.store)
      const reason = { code: 'tests_failed' as const, message: '1 of 2 cases failed', fault: 'suite' as const }
      const verdict = { state: 'failed' as const, results: { ...PASSED.results!, total: 2, failed: 1 }, reason }
      expect(await subject.store.queue.finish(lease, 'wrk_1', verdict)).toMatchObject(verdict)
    })

    it.each([
      ['another owner', { attempt: 1 }, 'wrk_2'],
      ['an earlier attempt', { attempt: 0 }, 'wrk_1'],
      ['a later attempt', { attempt: 2 }, 'wrk_1'],
      ['another run', { run: 'run_none', attempt: 1 }, 'wrk_1'],
    ])('takes nothing from %s', async (_name, other, owner) => {
      const { run, lease } = await runningRun(subject.store)
      const wrong = { ...lease, ...other }
      expect(await subject.store.queue.finish(wrong, owner, PASSED)).toBe('lost')
      expect(await subject.store.queue.renew(wrong, owner, LEASE_MS)).toBe('lost')
      expect(await subject.store.queue.release(wrong, owner)).toBe('lost')
      expect(await subject.store.queue.holds(wrong, owner)).toBe(false)
      expect(await subject.store.runs.get(run.id)).toEqual(run)
    })

    it('takes one of twenty verdicts at once', async () => {
      const { run, lease } = await runningRun(subject.store)
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => subject.store.queue.finish(lease, 'wrk_1', PASSED)),
      )
      expect(answers.filter((answer) => answer !== 'lost')).toHaveLength(1)
      expect((await subject.store.runs.get(run.id))?.version).toBe(run.version + 1)
    })

    it('refuses the late verdict of a worker whose run was taken back and is another attempt now', async () => {
      const { run, lease } = await runningRun(subject.store)
      subject.clock.advance(LEASE_MS)
      await subject.store.queue.takeBackLost(10)
      expect(await subject.store.queue.finish(lease, 'wrk_1', PASSED)).toBe('lost')
      // The same worker has it again: the attempt is the fence, not the owner.
      const again = await claim(subject.store)
      expect(again).toMatchObject({ id: run.id, attempt: 2 })
      expect(await subject.store.queue.finish(lease, 'wrk_1', PASSED)).toBe('lost')
      expect(await subject.store.queue.renew(lease, 'wrk_1', LEASE_MS)).toBe('lost')
      expect(await subject.store.queue.finish({ ...lease, attempt: 2 }, 'wrk_1', PASSED)).toMatchObject({ attempt: 2 })
    })

    it('changes a final run no more', async () => {
      const run = await finishedRun(subject.store)
      const lease = { run: run.id, attempt: run.attempt }
      expect(await subject.store.queue.finish(lease, 'wrk_1', { ...PASSED, state: 'failed' })).toBe('lost')
      expect(await subject.store.queue.release(lease, 'wrk_1')).toBe('lost')
      expect(await subject.store.runs.get(run.id)).toEqual(run)
    })

    it('is prolonged from now on by a renewal, outside the version', async () => {
      const { run, lease } = await runningRun(subject.store)
      subject.clock.advance(LEASE_MS - 1)
      expect(await subject.store.queue.renew(lease, 'wrk_1', LEASE_MS)).toEqual({ cancelReason: null })
      subject.clock.advance(LEASE_MS - 1)
      expect(await subject.store.queue.takeBackLost(10)).toEqual([])
      expect(await subject.store.runs.get(run.id)).toEqual(run)
      subject.clock.advance(1)
      expect(await subject.store.queue.takeBackLost(10)).toHaveLength(1)
    })

    it('still stands after its time as long as nobody took the run back', async () => {
      const { lease } = await runningRun(subject.store)
      subject.clock.advance(LEASE_MS * 2)
      expect(await subject.store.queue.renew(lease, 'wrk_1', LEASE_MS)).toEqual({ cancelReason: null })
    })

    it('tells at the renewal that the run is to be stopped', async () => {
      const { run, lease } = await runningRun(subject.store)
      await subject.store.runs.cancel(run.id, 'abandoned', 'nobody waits')
      expect(await subject.store.queue.renew(lease, 'wrk_1', LEASE_MS)).toEqual({ cancelReason: 'abandoned' })
    })

    it('hands the run back with nothing lost, in front of younger ones', async () => {
      const { run, lease } = await runningRun(subject.store, { sealedSecrets: 'sealed' })
      subject.clock.advance(SECOND)
      await createRun(subject.store)
      expect(await subject.store.queue.release(lease, 'wrk_1')).toEqual({
        ...{ ...run, state: 'queued', version: run.version + 1, startedAt: null },
      })
      expect(await subject.store.queue.holds(lease, 'wrk_1')).toBe(false)
      expect(await claim(subject.store, 'wrk_2')).toMatchObject({ id: run.id, attempt: 2, lostLeases: 0 })
    })

    it('hands a run back to its end when a cancel was asked for', async () => {
      const { run, lease } = await runningRun(subject.store, { sealedSecrets: 'sealed' })
      await subject.store.runs.cancel(run.id, 'cancelled_by_user', 'Cancelled by ann.')
      expect(await subject.store.queue.release(lease, 'wrk_1')).toMatchObject({
        ...{ state: 'cancelled', sealedSecrets: null, finishedAt: subject.clock.now() },
        reason: { code: 'cancelled_by_user', message: 'Cancelled by ann.', fault: null },
      })
    })

    it('hands back at once all that a dead worker held, and nothing of others', async () => {
      const { run } = await runningRun(subject.store)
      const { run: second } = await runningRun(subject.store)
      await createRun(subject.store)
      const other = (await claim(subject.store, 'wrk_2'))!
      const back = await subject.store.queue.releaseAllOf('wrk_1')
      expect(back.map(({ id, state, lostLeases }) => [id, state, lostLeases]).sort()).toEqual([
        [run.id, 'queued', 0],
        [second.id, 'queued', 0],
      ])
      expect(await subject.store.runs.get(other.id)).toEqual(other)
      expect(await subject.store.queue.releaseAllOf('wrk_1')).toEqual([])
    })
  })
}
