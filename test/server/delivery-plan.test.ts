import { describe, expect, it } from 'vitest'
import { nextDelay, RETRY_DELAYS_MS, retryAfterMs } from '../../server/domain/delivery-plan.ts'
import { filterTakes } from '../../server/domain/patterns.ts'
import { atPointer } from '../../server/domain/webhook-facts.ts'

const calm = { overloaded: false }

describe('the pause before the next attempt', () => {
  it('is the planned one, 20 % more or less', () => {
    for (const [n, ms] of RETRY_DELAYS_MS.entries()) {
      expect(nextDelay(n + 1, calm, undefined, () => 0)).toBe(ms * 0.8)
      expect(nextDelay(n + 1, calm, undefined, () => 0.5)).toBe(ms)
      expect(nextDelay(n + 1, calm, undefined, () => 1)).toBe(ms * 1.2)
    }
    expect(nextDelay(RETRY_DELAYS_MS.length + 1, calm, undefined, () => 0)).toBeUndefined()
  })

  it('is what Retry-After asks for, within an hour or twice the plan', () => {
    expect(nextDelay(1, calm, 30_000, () => 0.5)).toBe(30_000)
    expect(nextDelay(1, calm, 86_400_000, () => 0.5)).toBe(3_600_000)
    expect(nextDelay(9, calm, 30 * 86_400_000, () => 0.5)).toBe(2 * 86_400_000)
    expect(nextDelay(2, calm, 1000, () => 0.5)).toBe(300_000)
  })

  it.each([
    ['3', 3000],
    [' 3 ', 3000],
    ['Mon, 05 Jan 2026 00:00:10 GMT', 10_000],
    ['Mon, 05 Jan 2026 00:00:00 GMT', 0],
    ['Sun, 04 Jan 2026 00:00:00 GMT', 0],
    ['', undefined],
    ['-3', 0],
    ['9999999999999', undefined],
  ])('reads Retry-After "%s"', (header, ms) => {
    const read = retryAfterMs(header, Date.UTC(2026, 0, 5))
    // What is no number of seconds may be read as some date or other; it never asks for the past.
    if (ms === undefined) expect(read === undefined || read >= 0).toBe(true)
    else expect(read).toBe(ms)
  })
})

describe('a filter', () => {
  it.each<[string[] | null, string | null, boolean]>([
    [null, null, true],
    [null, 'a', true],
    [['a'], 'a', true],
    [['a'], 'ab', false],
    [['a'], null, false],
    [['*'], 'anything/at all', true],
    [['*'], null, false],
    [['release/*'], 'release/1.0', true],
    [['release/*'], 'release', false],
    [['*-fix'], 'bug-fix', true],
    [['*-fix'], 'bug-fixed', false],
    [['a*b*c'], 'a-b-b-c', true],
    [['a*b*c'], 'a-c-b', false],
    [['a.c'], 'abc', false],
    [['x', 'y*'], 'yes', true],
    [['**'], '', true],
  ])('%j takes %j: %s', (patterns, value, taken) => {
    expect(filterTakes(patterns, value)).toBe(taken)
  })

  it('takes no long time, whatever it is', () => {
    const started = performance.now()
    expect(filterTakes([`${'a*'.repeat(100)}b`], 'a'.repeat(2000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('a JSON Pointer', () => {
  const payload = { a: { 'b/c': [1, { '': 2 }] }, 'm~n': 3 }
  it.each<[string, unknown]>([
    ['', payload],
    ['/a/b~1c/0', 1],
    ['/a/b~1c/1/', 2],
    ['/m~0n', 3],
    ['/a/b', undefined],
    ['/a/b~1c/2', undefined],
    ['/__proto__', undefined],
    ['/constructor', undefined],
    ['/a/b~1c/0/x', undefined],
  ])('%s finds what is there', (pointer, found) => {
    expect(atPointer(payload, pointer)).toEqual(found)
  })
})
