import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../../server/store/ports/runs.ts'
import { createCallback } from './callbacks.contract.ts'
import {
  createKey,
  createRun,
  DAY,
  finish,
  finishedRun,
  LEASE_MS,
  nextId,
  type OpenStore,
  runningRun,
  SECOND,
  useStore,
  WORKSPACE,
} from './subject.ts'

const FAILED: Verdict = {
  state: 'failed',
  results: { total: 1, passed: 0, failed: 1, errored: 0, skipped: 0, flaky: 0 },
  reason: { code: 'tests_failed', message: '1 of 1 failed', fault: 'suite' },
}
const LOST: Verdict = {
  state: 'errored',
  results: null,
  reason: { code: 'sandbox_failed', message: 'no sandbox', fault: 'service' },
}
const CANCELLED: Verdict = { state: 'cancelled', results: null, reason: null }

export function outboxContract(open: OpenStore): void {
  describe('the outbox', () => {
    const subject = useStore(open)
    const told = async () => (await subject.store.outbox.take(100)).map(({ content }) => content)
    const kinds = async () => (await told()).map(({ type }) => type)

    it('gets nothing of a workspace where nobody listens', async () => {
      await createCallback(subject.store, { workspace: 'wsp_2' })
      const { id } = await createCallback(subject.store)
      await subject.store.callbacks.delete(id)
      await finishedRun(subject.store)
      expect(await told()).toEqual([])
    })

    it('gets what comes of a run, in order, as it was at that moment', async () => {
      await createCallback(subject.store)
      const { run, lease } = await runningRun(subject.store, { sealedSecrets: 'sealed', variables: { A: '1' } })
      const ended = await finish(subject.store, lease)
      const { definition, sealedSecrets, variables, cancelReason, ...shown } = ended
      const events = await subject.store.outbox.take(100)
      expect(events.map(({ content }) => [content.type, 'run' in content && content.run.state])).toEqual([
        ['run.queued', 'queued'],
        ['run.started', 'running'],
        ['run.finished', 'passed'],
      ])
      expect(events[2]).toMatchObject({ workspace: WORKSPACE, at: subject.clock.now(), content: { run: shown } })
      expect(events[1]?.content).toMatchObject({ run: { version: run.version } })
      expect(JSON.stringify(events)).not.toContain('sealed')
    })

    it('gets only the end of a run that names an address of its own', async () => {
      await finishedRun(subject.store, { callbackUrl: 'https://example.com/' })
      expect(await kinds()).toEqual(['run.finished'])
    })

    it.each<[string, (store: typeof subject.store, advance: (ms: number) => void) => Promise<unknown>]>([
      ['by a verdict', (store) => finishedRun(store)],
      [
        'by a cancel while it waits',
        async (store) => {
          const { id } = await createRun(store)
          await store.runs.cancel(id, 'cancelled_by_user', 'by hand')
        },
      ],
      [
        'by a cancel while it runs, when it is handed back',
        async (store) => {
          const { run, lease } = await runningRun(store)
          await store.runs.cancel(run.id, 'cancelled_by_user', 'by hand')
          await store.queue.release(lease, 'wrk_1')
        },
      ],
      [
        'by the server itself',
        async (store) => {
          const { id } = await createRun(store)
          await store.queue.endQueued(id, LOST)
        },
      ],
      [
        'by a lost worker',
        async (store, advance) => {
          await runningRun(store, {})
          advance(LEASE_MS + 1)
          await store.queue.takeBackLost(10)
          await store.queue.claim({ id: 'wrk_1', labels: [] }, { leaseMs: LEASE_MS, perWorkspace: 100 })
          advance(LEASE_MS + 1)
          await store.queue.takeBackLost(10)
        },
      ],
      [
        'by a client that went away',
        async (store, advance) => {
          await createRun(store, { abandonAfterSeconds: 30 })
          advance(31 * SECOND)
          await store.queue.cancelAbandoned(0, 10)
        },
      ],
      [
        'by its time in the queue',
        async (store, advance) => {
          await createRun(store, { queueTimeoutSeconds: 1 })
          advance(2 * SECOND)
          await store.queue.endOverdue(10)
        },
      ],
    ])('gets the end of a run once: %s', async (_how, end) => {
      await createCallback(subject.store)
      await end(subject.store, (ms) => subject.clock.advance(ms))
      expect((await kinds()).filter((type) => type === 'run.finished')).toHaveLength(1)
    })

    it('gets nothing of a lost race', async () => {
      await createCallback(subject.store)
      const { lease } = await runningRun(subject.store)
      await finish(subject.store, lease)
      expect(await subject.store.queue.finish(lease, 'wrk_1', FAILED)).toBe('lost')
      expect((await kinds()).filter((type) => type === 'run.finished')).toHaveLength(1)
    })

    describe('tells that a suite turned', () => {
      const end = async (verdict: Verdict | 'passed', branch: string | null = 'main', suite = 'smoke') => {
        const { lease } = await runningRun(subject.store, { suite, ci: branch === null ? {} : { branch } })
        if (verdict === 'passed') await finish(subject.store, lease)
        else await subject.store.queue.finish(lease, 'wrk_1', verdict)
        subject.clock.advance(SECOND)
      }
      const turns = async () =>
        (await told()).flatMap((content) =>
          content.type === 'suite.state_changed'
            ? [`${content.run.ci.branch ?? '-'} ${content.from} ${content.to}`]
            : [],
        )

      it('from passing to failing and back, and not in between', async () => {
        await createCallback(subject.store)
        for (const verdict of ['passed', 'passed', FAILED, FAILED, 'passed'] as const) await end(verdict)
        expect(await turns()).toEqual(['main passing failing', 'main failing passing'])
      })

      it('on each branch and suite by itself, and on none', async () => {
        await createCallback(subject.store)
        await end('passed', 'main')
        await end(FAILED, 'topic')
        await end(FAILED, 'main', 'other')
        await end('passed', null)
        await end(FAILED, null)
        expect(await turns()).toEqual(['- passing failing'])
      })

      it('not by runs that say nothing of the suite', async () => {
        await createCallback(subject.store)
        for (const verdict of ['passed', LOST, CANCELLED, 'passed'] as const) await end(verdict)
        expect(await turns()).toEqual([])
      })

      it('not by an older run that ends later', async () => {
        await createCallback(subject.store)
        const older = await runningRun(subject.store, { ci: { branch: 'main' } })
        subject.clock.advance(SECOND)
        await end('passed')
        await subject.store.queue.finish(older.lease, 'wrk_1', FAILED)
        expect(await turns()).toEqual([])
      })

      it('also when nobody listened while it passed', async () => {
        await end('passed')
        await createCallback(subject.store)
        await end(FAILED)
        expect(await turns()).toEqual(['main passing failing'])
      })

      it('not after its last state was forgotten', async () => {
        await createCallback(subject.store)
        await end('passed')
        expect(await subject.store.outbox.forgetSuiteStates(subject.clock.now(), 10)).toBe(1)
        expect(await subject.store.outbox.forgetSuiteStates(subject.clock.now(), 10)).toBe(0)
        await end(FAILED)
        expect(await turns()).toEqual([])
      })
    })

    it('makes an event into deliveries once', async () => {
      const callback = await createCallback(subject.store)
      await createRun(subject.store)
      const [event] = await subject.store.outbox.take(10)
      const delivery = () => ({
        ...{ id: nextId('dlv'), workspace: WORKSPACE, endpoint: callback.id, callback: callback.id, url: null },
        ...{ event: 'evt_1', type: 'run.queued', run: null, suite: null, body: '{}' },
      })
      expect(await subject.store.outbox.spread(event!.seq, [delivery(), delivery()])).toBe(true)
      expect(await subject.store.outbox.spread(event!.seq, [delivery()])).toBe(false)
      expect(await told()).toEqual([])
      expect(await subject.store.deliveries.list(WORKSPACE, {}, { limit: 10 })).toHaveLength(1)
    })

    describe('tells of a key that somebody who held it ended', () => {
      it('once, with where that was, in the step that revokes it', async () => {
        await createCallback(subject.store)
        const { id, start } = await createKey(subject.store)
        subject.clock.advance(SECOND)
        const revokedAt = subject.clock.now()
        expect(await subject.store.keys.revokeByHolder(id, '192.0.2.1')).toBe(true)
        expect(await subject.store.keys.get(id)).toMatchObject({ revokedAt })
        subject.clock.advance(SECOND)
        expect(await subject.store.keys.revokeByHolder(id, '192.0.2.2')).toBe(false)
        const key = { id, name: 'ci', user: 'usr_1', start }
        const event = { workspace: WORKSPACE, at: revokedAt }
        for (let look = 0; look < 2; look++) {
          expect(await subject.store.outbox.take(10)).toMatchObject([
            { ...event, content: { type: 'key.revoked_by_holder', key, revokedAt, from: '192.0.2.1' } },
          ])
        }
        expect(JSON.stringify(await told())).not.toContain('digest')
      })

      it('once, however many end it at once', async () => {
        await createCallback(subject.store)
        const { id } = await createKey(subject.store)
        const ended = await Promise.all([1, 2, 3, 4].map(() => subject.store.keys.revokeByHolder(id, null)))
        expect(ended.filter(Boolean)).toHaveLength(1)
        expect(await kinds()).toEqual(['key.revoked_by_holder'])
      })

      it('not of one that was revoked otherwise, or is unknown', async () => {
        await createCallback(subject.store)
        const { id } = await createKey(subject.store)
        await subject.store.keys.revoke(id)
        expect(await subject.store.keys.revokeByHolder(id, null)).toBe(false)
        expect(await subject.store.keys.revokeByHolder('key_none', null)).toBe(false)
        expect(await told()).toEqual([])
      })

      it('not where nobody listens, nor to who comes later', async () => {
        const { id } = await createKey(subject.store)
        expect(await subject.store.keys.revokeByHolder(id, null)).toBe(true)
        subject.clock.advance(SECOND)
        await createCallback(subject.store)
        expect(await told()).toEqual([])
      })
    })

    describe('tells of keys that end soon', () => {
      const DAYS = [30, 7, 1]
      const days = async () =>
        (await told()).flatMap((content) => (content.type === 'key.expiring' ? [content.days] : []))
      const announce = () => subject.store.outbox.announceExpiring(DAYS, 100)

      it('30, 7 and 1 days before, once each', async () => {
        await createCallback(subject.store)
        const key = await createKey(subject.store, { expiresAt: subject.clock.now() + 60 * DAY })
        expect(await announce()).toBe(0)
        for (const ahead of [30, 0.01, 22.99, 5.9, 0.1]) {
          subject.clock.advance(ahead * DAY)
          await announce()
          await announce()
        }
        expect(await days()).toEqual([30, 7, 1])
        expect((await told())[0]).toEqual({
          ...{ type: 'key.expiring', key: { id: key.id, name: 'ci', user: 'usr_1', start: 'vdt_abcd' } },
          ...{ expiresAt: key.expiresAt, days: 30 },
        })
      })

      it('by the nearest number only when it was not looked for a while', async () => {
        await createCallback(subject.store)
        await createKey(subject.store, { expiresAt: subject.clock.now() + 60 * DAY })
        subject.clock.advance(59.5 * DAY)
        await announce()
        expect(await days()).toEqual([1])
      })

      it('not of those that were made for a short time, are revoked, ended, or endless', async () => {
        await createCallback(subject.store)
        await createKey(subject.store, { expiresAt: subject.clock.now() + DAY / 2 })
        await createKey(subject.store, { expiresAt: null })
        const revoked = await createKey(subject.store, { expiresAt: subject.clock.now() + 40 * DAY })
        await subject.store.keys.revoke(revoked.id)
        await createKey(subject.store, { expiresAt: subject.clock.now() + 12 * DAY })
        subject.clock.advance(20 * DAY)
        expect(await announce()).toBe(0)
      })

      it('not where nobody listens', async () => {
        await createKey(subject.store, { expiresAt: subject.clock.now() + 60 * DAY })
        subject.clock.advance(50 * DAY)
        expect(await announce()).toBe(0)
      })
    })
  })
}
