import { describe, expect, it } from 'vitest'
import {
  claim,
  createRun,
  DAY,
  definition,
  finishedRun,
  NO_LIMIT,
  newRun,
  type OpenStore,
  runningRun,
  SECOND,
  sha256,
  useStore,
  WORKSPACE,
} from './subject.ts'

export function runsContract(open: OpenStore): void {
  describe('runs', () => {
    const subject = useStore(open)
    const create = (change = {}, options = {}) =>
      subject.store.runs.create(newRun(change), { maxQueued: NO_LIMIT, ...options })

    it('queues a run and gives back all that it was told', async () => {
      const asked = newRun({
        revision: 7,
        definition: definition({ runsOn: ['linux'], variables: { A: '1' }, archive: sha256(2) }),
        source: { kind: 'stored', digest: sha256(3), repository: 'https://example.com/r', commit: 'c', dirty: null },
        abandonAfterSeconds: 120,
        callbackUrl: 'https://example.com/hook',
        variables: { TARGET: 'ünïcode\n"quoted"' },
        sealedSecrets: 'sealed',
        labels: ['nightly', 'a b'],
        rerunOf: 'run_0',
        triggeredBy: { kind: 'key', id: 'key_9', name: 'ci', userId: null },
        ci: { provider: 'github', branch: 'main', ...{ anything: 'else' } },
      })
      const answer = await subject.store.runs.create(asked, { maxQueued: NO_LIMIT })
      const expected = {
        ...asked,
        ...{ state: 'queued', version: 1, attempt: 0, lostLeases: 0, createdAt: subject.clock.now() },
        ...{ startedAt: null, finishedAt: null, results: null, reason: null, artifacts: 0, cancelReason: null },
      }
      expect(answer).toEqual({ run: expected, replayed: false })
      expect(await subject.store.runs.get(asked.id)).toEqual(expected)
    })

    it('knows nothing of a run that was never made', async () => {
      expect(await subject.store.runs.get('run_none')).toBeUndefined()
    })

    it('answers the first run when its idempotency key comes again with the same meaning', async () => {
      const idempotency = { key: 'build-1/smoke', meaning: 'm' }
      const first = await create({}, { idempotency })
      expect(await create({}, { idempotency })).toEqual({ ...(first as object), replayed: true })
    })

    it('refuses an idempotency key that comes again with another meaning', async () => {
      await create({}, { idempotency: { key: 'k', meaning: 'm' } })
      expect(await create({}, { idempotency: { key: 'k', meaning: 'other' } })).toBe('idempotency_key_reused')
    })

    it('keeps the idempotency keys of workspaces apart', async () => {
      const idempotency = { key: 'k', meaning: 'm' }
      await create({}, { idempotency })
      expect(await create({ workspace: 'wsp_2' }, { idempotency })).toMatchObject({ replayed: false })
    })

    it('makes one run of twenty requests with one key at once', async () => {
      const idempotency = { key: 'k', meaning: 'm' }
      const answers = await Promise.all(Array.from({ length: 20 }, () => create({}, { idempotency })))
      const runs = answers.map((answer) => (typeof answer === 'string' ? answer : answer.run.id))
      expect(new Set(runs).size).toBe(1)
      expect(answers.filter((answer) => typeof answer !== 'string' && !answer.replayed)).toHaveLength(1)
    })

    it('forgets an idempotency key after a day, for any meaning', async () => {
      await create({}, { idempotency: { key: 'k', meaning: 'm' } })
      subject.clock.advance(DAY - 1)
      expect(await create({}, { idempotency: { key: 'k', meaning: 'm' } })).toMatchObject({ replayed: true })
      subject.clock.advance(1)
      expect(await create({}, { idempotency: { key: 'k', meaning: 'other' } })).toMatchObject({ replayed: false })
      expect(await create({}, { idempotency: { key: 'k', meaning: 'other' } })).toMatchObject({ replayed: true })
    })

    it('answers how a replayed run is now, also when it is over', async () => {
      const idempotency = { key: 'k', meaning: 'm' }
      const { id } = ((await create({}, { idempotency })) as { run: { id: string } }).run
      await subject.store.runs.cancel(id, 'cancelled_by_user', 'by ann')
      expect(await create({}, { idempotency })).toMatchObject({ run: { id, state: 'cancelled' }, replayed: true })
    })

    it('takes no more queued runs than a workspace may have, and still replays', async () => {
      const idempotency = { key: 'k', meaning: 'm' }
      await create({}, { maxQueued: 2, idempotency })
      await create({}, { maxQueued: 2 })
      expect(await create({}, { maxQueued: 2 })).toBe('queue_full')
      expect(await create({}, { maxQueued: 2, idempotency })).toMatchObject({ replayed: true })
      expect(await create({ workspace: 'wsp_2' }, { maxQueued: 2 })).toMatchObject({ replayed: false })
      await claim(subject.store)
      expect(await create({}, { maxQueued: 2 })).toMatchObject({ replayed: false })
    })

    it('lets no race past the limit of queued runs', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => create({}, { maxQueued: 5 })))
      expect(answers.filter((answer) => answer === 'queue_full')).toHaveLength(15)
      expect(await subject.store.queue.depth()).toEqual({ queued: 5, running: 0 })
    })

    it('cancels a queued run at once, erases its secrets and says why', async () => {
      const { id } = await createRun(subject.store, { sealedSecrets: 'sealed' })
      subject.clock.advance(SECOND)
      const run = await subject.store.runs.cancel(id, 'cancelled_by_user', 'Cancelled by ann.')
      expect(run).toMatchObject({ state: 'cancelled', version: 2, attempt: 0, startedAt: null, sealedSecrets: null })
      expect(run?.finishedAt).toBe(subject.clock.now())
      expect(run?.reason).toEqual({ code: 'cancelled_by_user', message: 'Cancelled by ann.', fault: null })
      expect(await claim(subject.store)).toBeUndefined()
    })

    it('tells a running run to stop, by the first reason that was given, and changes nothing that people see', async () => {
      const { run } = await runningRun(subject.store)
      const asked = await subject.store.runs.cancel(run.id, 'cancelled_by_user', 'first')
      expect(asked).toEqual({ ...run, cancelReason: 'cancelled_by_user' })
      expect(await subject.store.runs.cancel(run.id, 'abandoned', 'second')).toEqual(asked)
    })

    it('changes nothing of a final run that is cancelled', async () => {
      const run = await finishedRun(subject.store)
      expect(await subject.store.runs.cancel(run.id, 'cancelled_by_user', 'late')).toEqual(run)
      expect(await subject.store.runs.get(run.id)).toEqual(run)
    })

    it('answers nothing when an unknown run is cancelled', async () => {
      expect(await subject.store.runs.cancel('run_none', 'cancelled_by_user', '')).toBeUndefined()
    })

    it('ends a run once when it is cancelled and claimed at the same time', async () => {
      const { id } = await createRun(subject.store)
      const [cancelled, claimed] = await Promise.all([
        subject.store.runs.cancel(id, 'cancelled_by_user', ''),
        claim(subject.store),
      ])
      const run = await subject.store.runs.get(id)
      if (claimed) expect(run).toMatchObject({ state: 'running', cancelReason: 'cancelled_by_user' })
      else expect(run).toEqual(cancelled)
    })

    it('notes that a client is there outside the version', async () => {
      const run = await createRun(subject.store, { abandonAfterSeconds: 60 })
      subject.clock.advance(20 * SECOND)
      await subject.store.runs.markWatched(run.id)
      await subject.store.runs.markWatched('run_none')
      expect(await subject.store.runs.get(run.id)).toEqual(run)
      expect(await subject.store.runs.list(WORKSPACE, {}, { limit: 5 })).toEqual([run])
    })
  })
}
