import { describe, expect, it } from 'vitest'
import {
  claim,
  createRun,
  DAY,
  finish,
  LEASE_MS,
  NO_LIMIT,
  newRun,
  newUser,
  type OpenStore,
  PASSED,
  runningRun,
  SECOND,
  useStore,
} from './subject.ts'

export function usageContract(open: OpenStore): void {
  describe('usage', () => {
    const subject = useStore(open)
    const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10)
    const list = (filter = {}, limit = 100) => subject.store.usage.list(filter, { limit })
    const add = (day: string, user: string, key: string, calls: number, exchanges = 0) =>
      subject.store.usage.add([{ day, user, key, calls, exchanges }])

    it('adds up by day, user and key', async () => {
      await add('2026-11-24', 'usr_1', 'key_1', 2, 1)
      await add('2026-11-25', 'usr_1', 'key_1', 3)
      await add('2026-11-25', 'usr_1', 'key_1', 4)
      await add('2026-11-25', 'usr_1', 'key_2', 5)
      await add('2026-11-25', 'usr_2', 'key_3', 6)
      expect(await subject.store.usage.callsOf('key_1', '2026-11-25')).toBe(7)
      expect(await subject.store.usage.callsOf('key_9', '2026-11-25')).toBe(0)
      const line = (day: string, user: string, calls: number, exchanges = 0) => ({
        day,
        user,
        calls,
        exchanges,
        runs: 0,
        runMs: 0,
      })
      const all = [line('2026-11-25', 'usr_2', 6), line('2026-11-25', 'usr_1', 12), line('2026-11-24', 'usr_1', 2, 1)]
      expect(await list()).toEqual(all)
      expect(await list({ user: 'usr_1' })).toEqual(all.slice(1))
      expect(await list({ key: 'key_1' })).toEqual([line('2026-11-25', 'usr_1', 7), all[2]])
      expect(await list({ key: 'key_1', user: 'usr_2' })).toEqual([])
      expect(await list({ since: '2026-11-25' })).toEqual(all.slice(0, 2))
      expect(await list({ until: '2026-11-25' })).toEqual(all.slice(2))
      expect(await subject.store.usage.list({}, { limit: 1, after: all[0]! })).toEqual([all[1]])
    })

    it('counts runs when they are made, and their time when they end', async () => {
      const day = dayOf(subject.clock.now())
      await createRun(subject.store, { triggeredBy: { kind: 'trigger', id: 'trg_1', name: 't', userId: null } })
      await claim(subject.store)
      const { lease } = await runningRun(subject.store)
      expect(await list()).toMatchObject([{ day, user: 'usr_1', runs: 1, runMs: 0 }])
      subject.clock.advance(2 * SECOND)
      await finish(subject.store, lease)
      expect(await list({ key: 'key_1' })).toMatchObject([{ day, user: 'usr_1', runs: 1, runMs: 2000 }])
    })
  })

  describe('a user’s runs', () => {
    const subject = useStore(open)

    it('of a day are no more than is allowed, and those of others do not count', async () => {
      const create = async (userId: string | null = 'usr_1') => {
        const triggeredBy = { kind: 'key' as const, id: 'key_1', name: 'ci', userId }
        return subject.store.runs.create(newRun({ triggeredBy }), { maxQueued: 100, maxPerDay: 2 })
      }
      expect(await create()).toMatchObject({ replayed: false })
      expect(await create('usr_2')).toMatchObject({ replayed: false })
      expect(await create()).toMatchObject({ replayed: false })
      expect(await create()).toBe('user_quota')
      subject.clock.advance(DAY)
      expect(await create()).toMatchObject({ replayed: false })
    })

    it('that have not ended are found', async () => {
      const first = await createRun(subject.store)
      subject.clock.advance(1)
      const other = { kind: 'key' as const, id: 'key_2', name: 'ci', userId: 'usr_2' }
      await createRun(subject.store, { triggeredBy: other })
      const { id } = await createRun(subject.store)
      await subject.store.runs.cancel(first.id, 'cancelled_by_user', 'x')
      expect((await subject.store.runs.unfinishedOf('usr_1', 10)).map((run) => run.id)).toEqual([id])
      expect(await subject.store.runs.unfinishedOf('usr_1', 10, id)).toEqual([])
    })

    it('at once are no more than is allowed, and hold up no others', async () => {
      const limits = { maxKeys: null, runsPerDay: null, runningAtOnce: 1 }
      const user = newUser({ limits })
      await subject.store.users.create(user, { role: 'owner', newWorkspace: { name: 'own' } })
      const triggeredBy = { kind: 'key' as const, id: 'key_1', name: 'ci', userId: user.id }
      const runs = []
      for (const by of [triggeredBy, triggeredBy, { ...triggeredBy, userId: 'usr_other' }]) {
        runs.push((await createRun(subject.store, { triggeredBy: by })).id)
        subject.clock.advance(1)
      }
      const first = await claim(subject.store)
      expect([first?.id, (await claim(subject.store))?.id]).toEqual([runs[0], runs[2]])
      expect(await claim(subject.store)).toBeUndefined()
      await finish(subject.store, { run: runs[0]!, attempt: 1 })
      expect((await claim(subject.store))?.id).toBe(runs[1])
    })

    it('at once are no more than is allowed over all workspaces, however many claim at the same time', async () => {
      const limits = { maxKeys: null, runsPerDay: null, runningAtOnce: 3 }
      const user = newUser({ limits })
      await subject.store.users.create(user, { role: 'owner', newWorkspace: { name: 'own' } })
      const triggeredBy = { kind: 'key' as const, id: 'key_1', name: 'ci', userId: user.id }
      for (let n = 0; n < 12; n++) await createRun(subject.store, { triggeredBy, workspace: `wsp_${n % 6}` })
      // Each by a worker of its own workspace, so that all of them see another run as the next one.
      const options = { leaseMs: LEASE_MS, perWorkspace: NO_LIMIT }
      const claimAll = async () => {
        const claims = Array.from({ length: 12 }, (_, n) =>
          subject.store.queue.claim({ id: `wrk_${n}`, labels: [] }, { ...options, workspace: `wsp_${n % 6}` }),
        )
        return (await Promise.all(claims)).filter((run) => run !== undefined)
      }
      const running = await claimAll()
      expect(running).toHaveLength(3)
      for (let round = 0; round < 4; round++) {
        for (const run of running.splice(0, 2)) {
          const owner = Array.from({ length: 12 }, (_, n) => `wrk_${n}`)
          const lease = { run: run.id, attempt: run.attempt }
          const ended = await Promise.all(owner.map((one) => subject.store.queue.finish(lease, one, PASSED)))
          expect(ended.filter((answer) => answer !== 'lost')).toHaveLength(1)
        }
        const next = await claimAll()
        expect(next, `round ${round}`).toHaveLength(2)
        running.push(...next)
      }
    })
  })
}
