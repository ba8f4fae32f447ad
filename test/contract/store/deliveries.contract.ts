import { describe, expect, it } from 'vitest'
import type { DeliveryRecord } from '../../../server/store/ports/deliveries.ts'
import { createCallback } from './callbacks.contract.ts'
import { allPages, nextId, type OpenStore, SECOND, useStore, WORKSPACE } from './subject.ts'

const LEASE = 60 * SECOND
const OK = { at: 1, durationMs: 5, status: 200, error: null, answer: 'fine' }
const BAD = { at: 1, durationMs: 5, status: 500, error: 'It answered 500.', answer: null }

export function deliveriesContract(open: OpenStore): void {
  describe('deliveries', () => {
    const subject = useStore(open)
    const add = (change: Partial<DeliveryRecord> = {}) =>
      subject.store.deliveries.add({
        ...{ id: nextId('dlv'), workspace: WORKSPACE, endpoint: 'cbk_a', callback: null, url: 'https://a.example/' },
        ...{ event: nextId('evt'), type: 'run.finished', run: 'run_1', suite: 'smoke', body: '{"a":1}' },
        ...change,
      })
    const claim = (endpoint = 'cbk_a', owner = 'me', limit = 10) =>
      subject.store.deliveries.claim(endpoint, owner, LEASE, limit)

    it('are due at once, and known by their event and endpoint', async () => {
      const made = await add()
      expect(made).toMatchObject({
        state: 'pending',
        attempts: 0,
        tries: 0,
        nextAt: subject.clock.now(),
        finishedAt: null,
      })
      expect(await subject.store.deliveries.get(made.id)).toEqual(made)
      expect(await subject.store.deliveries.nextDue()).toBe(subject.clock.now())
      expect(await subject.store.deliveries.get('dlv_none')).toBeUndefined()
    })

    it('are claimed oldest first, and by nobody else until the claim is over', async () => {
      const first = await add()
      subject.clock.advance(1)
      const second = await add()
      expect((await claim('cbk_a', 'me', 1)).map(({ id }) => id)).toEqual([first.id])
      expect((await claim('cbk_a', 'other')).map(({ id }) => id)).toEqual([second.id])
      expect(await claim('cbk_a', 'third')).toEqual([])
      subject.clock.advance(LEASE)
      expect(await claim('cbk_a', 'third')).toHaveLength(2)
    })

    it('are given to one of many who ask at once', async () => {
      await add()
      const answers = await Promise.all(['a', 'b', 'c'].map((owner) => claim('cbk_a', owner)))
      expect(answers.flat()).toHaveLength(1)
    })

    it('tell the endpoints that something is due for, each once', async () => {
      for (const endpoint of ['cbk_c', 'cbk_a', 'cbk_b', 'cbk_a']) await add({ endpoint, workspace: `w ${endpoint}` })
      await claim('cbk_b')
      const due = (after: string, limit: number) => subject.store.deliveries.dueEndpoints(after, limit)
      expect(await due('', 10)).toEqual([
        { endpoint: 'cbk_a', workspace: 'w cbk_a' },
        { endpoint: 'cbk_c', workspace: 'w cbk_c' },
      ])
      expect(await due('cbk_a', 10)).toMatchObject([{ endpoint: 'cbk_c' }])
      expect(await due('', 1)).toMatchObject([{ endpoint: 'cbk_a' }])
    })

    it('of one endpoint are due besides those that are claimed', async () => {
      for (let n = 0; n < 3; n++) await add()
      const { deliveries } = subject.store
      const claimed = await claim('cbk_a', 'me', 2)
      expect(await deliveries.dueEndpoints('', 10)).toMatchObject([{ endpoint: 'cbk_a' }])
      expect(await deliveries.nextDue()).toBe(subject.clock.now())
      const [last, ...none] = await claim('cbk_a', 'me', 2)
      expect([...claimed, last].map((one) => one?.id)).toHaveLength(new Set([...claimed, last]).size)
      expect(none).toEqual([])
      expect(await deliveries.dueEndpoints('', 10)).toEqual([])
      expect((await deliveries.nextDue()) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(subject.clock.now())
      const nextAt = subject.clock.now() + LEASE / 2
      await deliveries.settle(claimed[0]!, 'me', BAD, { state: 'pending', nextAt })
      expect(await deliveries.nextDue()).toBe(nextAt)
    })

    it('of one event are each removed with what was sent, and leave it to the others', async () => {
      const one = await add({ event: 'evt_shared' })
      const other = await add({ event: 'evt_shared', endpoint: 'cbk_b', body: '{"b":2}' })
      const [claimed] = await claim()
      await subject.store.deliveries.settle(claimed!, 'me', OK, { state: 'delivered' })
      expect(await subject.store.deliveries.removeOlder(subject.clock.now() + 1, 10)).toBe(1)
      expect(await subject.store.deliveries.get(one.id)).toBeUndefined()
      expect((await subject.store.deliveries.get(other.id))?.body).toBe('{"b":2}')
    })

    it('remember their last 200 attempts', async () => {
      const { id } = await add()
      for (let n = 0; n < 203; n++) {
        const [claimed] = await claim()
        await subject.store.deliveries.settle(claimed!, 'me', BAD, { state: 'pending', nextAt: subject.clock.now() })
      }
      const numbers = (await subject.store.deliveries.attempts(id)).map(({ number }) => number)
      expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([200, 4, 203])
    })

    it('end with the attempt that succeeds', async () => {
      const { id } = await add()
      const [claimed] = await claim()
      expect(await subject.store.deliveries.settle(claimed!, 'me', OK, { state: 'delivered' })).toEqual({
        failingSince: null,
      })
      const done = await subject.store.deliveries.get(id)
      const now = subject.clock.now()
      expect(done).toMatchObject({ state: 'delivered', attempts: 1, nextAt: null, lastStatus: 200, finishedAt: now })
      expect(await subject.store.deliveries.attempts(id)).toEqual([{ number: 1, ...OK }])
      expect(await subject.store.deliveries.nextDue()).toBeUndefined()
      expect(await subject.store.deliveries.settle(claimed!, 'me', OK, { state: 'delivered' })).toBe(false)
    })

    it('are due again when an attempt fails, and end when there is to be no other', async () => {
      const { id } = await add()
      const [first] = await claim()
      const nextAt = subject.clock.now() + 5 * SECOND
      await subject.store.deliveries.settle(first!, 'me', BAD, { state: 'pending', nextAt })
      expect(await subject.store.deliveries.get(id)).toMatchObject({ state: 'pending', attempts: 1, tries: 1, nextAt })
      expect(await claim()).toEqual([])
      subject.clock.advance(5 * SECOND)
      const [second] = await claim()
      await subject.store.deliveries.settle(second!, 'me', BAD, { state: 'failed' })
      expect(await subject.store.deliveries.get(id)).toMatchObject({
        state: 'failed',
        attempts: 2,
        lastError: BAD.error,
      })
      expect((await subject.store.deliveries.attempts(id)).map(({ number }) => number)).toEqual([1, 2])
    })

    it('take no attempt of somebody whose claim is over', async () => {
      await add()
      const [late] = await claim('cbk_a', 'late')
      subject.clock.advance(LEASE)
      const [fresh] = await claim('cbk_a', 'fresh')
      expect(await subject.store.deliveries.settle(late!, 'late', OK, { state: 'delivered' })).toBe(false)
      expect(await subject.store.deliveries.settle(fresh!, 'fresh', OK, { state: 'delivered' })).not.toBe(false)
    })

    it('of a dead process are due again at once', async () => {
      await add()
      await add({ endpoint: 'cbk_b' })
      await claim('cbk_a', 'dead')
      await claim('cbk_b', 'alive')
      expect(await subject.store.deliveries.releaseAllOf('dead')).toBe(1)
      expect(await claim('cbk_a')).toHaveLength(1)
      expect(await claim('cbk_b')).toEqual([])
    })

    it('say since when their callback fails, until one arrives', async () => {
      const { id: callback } = await createCallback(subject.store)
      for (let n = 0; n < 3; n++) await add({ callback, endpoint: callback })
      const since = subject.clock.now()
      const settle = async (attempt: typeof OK | typeof BAD, state: 'delivered' | 'failed') => {
        const [claimed] = await claim(callback, 'me', 1)
        subject.clock.advance(SECOND)
        return subject.store.deliveries.settle(claimed!, 'me', attempt, { state })
      }
      expect(await settle(BAD, 'failed')).toEqual({ failingSince: since + SECOND })
      expect(await settle(BAD, 'failed')).toEqual({ failingSince: since + SECOND })
      expect((await subject.store.callbacks.get(callback))?.failingSince).toBe(since + SECOND)
      expect(await settle(OK, 'delivered')).toEqual({ failingSince: null })
      expect((await subject.store.callbacks.get(callback))?.failingSince).toBeNull()
    })

    it.each(['disable', 'delete'] as const)('that are pending fail when their callback is gone: %s', async (how) => {
      const { id: callback } = await createCallback(subject.store)
      const claimedBefore = await add({ callback, endpoint: callback })
      const [claimed] = await claim(callback)
      const { id } = await add({ callback, endpoint: callback })
      if (how === 'disable') await subject.store.callbacks.disable(callback, 'why')
      else await subject.store.callbacks.delete(callback)
      for (const one of [id, claimedBefore.id]) {
        const ended = await subject.store.deliveries.get(one)
        expect(ended).toMatchObject({ state: 'failed', lastError: `The callback was ${how}d.` })
      }
      expect(await subject.store.deliveries.settle(claimed!, 'me', OK, { state: 'delivered' })).toBe(false)
      const again = await subject.store.deliveries.redeliver(id)
      if (how === 'delete') expect(again).toBe('gone')
      else expect(again).toMatchObject({ state: 'pending' })
    })

    it('are sent again when somebody asks, from the first try on, with their attempts kept', async () => {
      const { id, event } = await add()
      const [claimed] = await claim()
      await subject.store.deliveries.settle(claimed!, 'me', BAD, { state: 'failed' })
      subject.clock.advance(SECOND)
      expect(await subject.store.deliveries.redeliver(id)).toMatchObject({
        ...{ event, state: 'pending', attempts: 1, tries: 0, nextAt: subject.clock.now(), finishedAt: null },
      })
      const [again] = await claim()
      await subject.store.deliveries.settle(again!, 'me', OK, { state: 'delivered' })
      expect((await subject.store.deliveries.attempts(id)).map(({ status }) => status)).toEqual([500, 200])
      expect(await subject.store.deliveries.redeliver('dlv_none')).toBeUndefined()
    })

    it('are listed newest first page by page, by callback and state', async () => {
      const { id: callback } = await createCallback(subject.store)
      const made: string[] = []
      for (let n = 0; n < 5; n++) made.unshift((await add(n % 2 ? { callback } : {})).id)
      await add({ workspace: 'wsp_2' })
      const { deliveries } = subject.store
      const all = await allPages((page) => deliveries.list(WORKSPACE, {}, page), 2)
      expect(all.map(({ id }) => id)).toEqual(made)
      const own = await deliveries.list(WORKSPACE, { callback }, { limit: 10 })
      expect(own.map(({ id }) => id)).toEqual([made[1], made[3]])
      expect(await deliveries.list('wsp_2', { callback }, { limit: 10 })).toEqual([])
      const [claimed] = await claim('cbk_a', 'me', 1)
      await deliveries.settle(claimed!, 'me', OK, { state: 'delivered' })
      expect(await deliveries.list(WORKSPACE, { state: 'delivered' }, { limit: 10 })).toMatchObject([
        { id: claimed!.id },
      ])
      expect(await deliveries.list(WORKSPACE, { state: 'pending' }, { limit: 10 })).toHaveLength(4)
    })

    it('are removed when they are old, with their attempts, and pending ones never', async () => {
      const { id } = await add()
      await add({ endpoint: 'cbk_b' })
      const [claimed] = await claim()
      await subject.store.deliveries.settle(claimed!, 'me', OK, { state: 'delivered' })
      const before = subject.clock.now() + 1
      expect(await subject.store.deliveries.removeOlder(before, 10)).toBe(1)
      expect(await subject.store.deliveries.removeOlder(before, 10)).toBe(0)
      expect(await subject.store.deliveries.get(id)).toBeUndefined()
      expect(await subject.store.deliveries.attempts(id)).toEqual([])
    })
  })
}
