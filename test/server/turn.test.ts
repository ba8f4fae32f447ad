import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type QueueKeeper, queueKeeper } from '../../server/domain/queue-keeper.ts'
import { sweep } from '../../server/jobs/sweep.ts'
import { ALWAYS, turnByLease } from '../../server/jobs/turn.ts'
import { type Store, StoreError } from '../../server/store/ports/store.ts'
import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { localWake } from '../../server/wake/local.ts'
import { LEASE_MS, runningRun } from '../contract/store/subject.ts'
import { MovableClock } from '../support/clock.ts'

let clock: MovableClock
let store: Store
beforeEach(async () => {
  clock = new MovableClock()
  store = await openSqliteStore({ memory: true, clock })
})
afterEach(() => store.close())

const turn = (owner: string) => turnByLease(store.leases, owner, clock)

/** A node's sweeper, and what it did. */
function node(name: string) {
  const did: string[] = []
  const keeper: QueueKeeper = {
    keep: async () => void did.push('keep'),
    grantNewTime: () => void did.push('new time'),
    takeUp: () => void did.push('take up'),
  }
  return { did, stop: sweep(keeper, turn(name), clock, (error) => did.push(String(error))) }
}

async function seconds(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    clock.advance(1000)
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('the turn', () => {
  it('belongs to one process, and to another one 5 s after it was last prolonged', async () => {
    const [first, second] = [turn('a'), turn('b')]
    expect([await first.mine(), await second.mine()]).toEqual([true, false])
    clock.advance(4000)
    expect([await first.mine(), await second.mine()]).toEqual([true, false])
    clock.advance(4999)
    expect(await second.mine()).toBe(false)
    clock.advance(1)
    expect(await second.mine()).toBe(true)
    expect(await first.mine()).toBe(false)
  })

  it('goes on at once when it is given up', async () => {
    const [first, second] = [turn('a'), turn('b')]
    await first.mine()
    await first.giveUp()
    expect(await second.mine()).toBe(true)
  })
})

describe('an outage of the store', () => {
  it('gives every lease whose worker could not prolong it a whole one anew', async () => {
    let away = false
    const unlessAway = <T extends object>(port: T): T =>
      new Proxy(port, {
        get: (methods, name) =>
          away ? () => Promise.reject(new StoreError('unavailable', 'away')) : Reflect.get(methods, name),
      })
    const keeper = queueKeeper({
      leaseMs: LEASE_MS,
      store: { ...store, queue: unlessAway(store.queue) },
      ...{ wake: localWake(), clock },
      alive: async () => [{ labels: [], workspace: null }],
      noRunner: () => undefined,
    })
    const stop = sweep(keeper, ALWAYS, clock, () => undefined)
    await seconds(31)
    const { run, lease } = await runningRun(store)
    const state = async () => (await store.runs.get(run.id))?.state
    away = true
    await seconds(40)
    away = false
    await seconds(29)
    expect(await state()).toBe('running')
    // Its worker is there again, and is not too late.
    expect(await store.queue.renew(lease, 'wrk_1', LEASE_MS)).toEqual({ cancelReason: null })
    await seconds(29)
    expect(await state()).toBe('running')
    await seconds(2)
    expect(await state()).toBe('queued')
    await stop()
  })
})

describe('of several nodes', () => {
  it('one looks after the queue; when it is gone another one does, as one who saw no worker before', async () => {
    const [first, second] = [node('a'), node('b')]
    await seconds(6)
    expect(first.did.filter((what) => what === 'keep')).toHaveLength(6)
    expect(second.did).toEqual(['new time'])
    await first.stop()
    await seconds(6)
    expect(second.did.slice(0, 3)).toEqual(['new time', 'take up', 'keep'])
    // It was up all the time and noticed no outage: lost runs are taken back at once.
    expect(second.did.filter((what) => what === 'new time')).toHaveLength(1)
    await second.stop()
  })
})
