import { describe, expect, it, onTestFinished } from 'vitest'
import { deliver } from '../../server/jobs/deliver.ts'
import { localWake } from '../../server/wake/local.ts'
import { MovableClock } from '../support/clock.ts'

/** The job on a store where a look takes so long; `looks`: when each began. */
function delivering(lookMs: number) {
  const clock = new MovableClock()
  const wake = localWake()
  const looks: number[] = []
  const job = deliver(
    {
      async fanOut() {
        looks.push(clock.monotonic())
        // Not while the clock is being moved.
        await Promise.resolve()
        clock.freeze(lookMs)
        return 0
      },
      start: async () => {},
      nextDue: async () => undefined,
      announceExpiring: async () => {},
      stop: async () => {},
    },
    {
      clock,
      wake,
      onError(error) {
        throw error
      },
    },
  )
  onTestFinished(() => job.stop())
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  /** Something happens every millisecond for so long. */
  async function busy(ms: number): Promise<void> {
    for (const end = clock.monotonic() + ms; clock.monotonic() < end; clock.advance(1)) {
      wake.publish('queue')
      await settle()
    }
  }
  return { clock, wake, looks, settle, busy }
}

describe('what runs tell', () => {
  it('is looked for at once after a pause, and seen by then though no wake comes', async () => {
    const { clock, wake, looks, settle } = delivering(3)
    await settle()
    clock.advance(500)
    wake.publish('queue')
    await settle()
    expect(looks).toEqual([0, 503])
    clock.advance(1000)
    await settle()
    expect(looks).toEqual([0, 503, 1506])
  })

  it.each([
    ['every time where a look takes no time', 0, 95, 101],
    ['with pauses of four times as long as a look', 2, 8, 12],
    ['with pauses of 50 ms at most', 100, 1, 2],
  ])('is looked for under load %s', async (_name, lookMs, least, most) => {
    const { looks, settle, busy } = delivering(lookMs)
    await settle()
    const before = looks.length
    await busy(100)
    const made = looks.length - before
    expect(made).toBeGreaterThanOrEqual(least)
    expect(made).toBeLessThanOrEqual(most)
  })

  it('is looked for once more after the last wake of a busy time', async () => {
    const { clock, wake, looks, settle } = delivering(10)
    await settle()
    clock.advance(5)
    wake.publish('queue')
    await settle()
    expect(looks).toEqual([0])
    clock.advance(35)
    await settle()
    expect(looks).toEqual([0, 50])
  })
})
