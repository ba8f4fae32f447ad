import { expect, it } from 'vitest'
import { storeClock } from '../../server/store-clock.ts'
import { MovableClock } from '../support/clock.ts'

const START = Date.UTC(2026, 0, 1)
const STORE_START = START + 300_000

/** A node whose clock is five minutes behind, and what the store answers after so long on each way. */
function node() {
  const own = new MovableClock(START)
  let [there, back] = [0, 0]
  const storeTime = () => STORE_START + own.monotonic()
  const store = storeClock(own, async () => {
    own.advance(there)
    const time = storeTime()
    own.advance(back)
    return time
  })
  const way = (out: number, home: number) => {
    there = out
    back = home
  }
  return { own, ...store, storeTime, way }
}

it("is the node's own until the store was asked, and the store's from then on, whatever becomes of the own one", async () => {
  const { own, clock, ask, storeTime } = node()
  expect(clock.now()).toBe(START)
  expect(await ask()).toBe(STORE_START)
  expect(clock.now()).toBe(STORE_START)
  own.advance(1500)
  own.jump(-3_600_000)
  expect(clock.now()).toBe(storeTime())
})

it.each([
  ['as quick there as back', 200, 200, 0],
  ['all of it there', 400, 0, 200],
  ['all of it back', 0, 400, 200],
])('is wrong by half of the way at most: %s', async (_way, out, home, wrong) => {
  const { clock, ask, storeTime, way } = node()
  way(out, home)
  await ask()
  expect(Math.abs(clock.now() - storeTime())).toBe(wrong)
})

it('leaves out what was long under way, but for the first answer', async () => {
  const { clock, ask, storeTime, way } = node()
  way(0, 4000)
  await ask()
  expect(Math.abs(clock.now() - storeTime())).toBe(2000)
  way(0, 0)
  await ask()
  way(5000, 0)
  await ask()
  expect(clock.now()).toBe(storeTime())
})

it('keeps monotonic time and timers as they are', () => {
  const { own, clock } = node()
  let called = 0
  clock.after(10, () => called++)
  clock.after(10, () => called++)()
  own.advance(10)
  expect([called, clock.monotonic()]).toEqual([1, 10])
})
