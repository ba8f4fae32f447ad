import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../tree/duration.ts'

describe('a duration', () => {
  it.each([
    ['45s', 45],
    ['10m', 600],
    ['1h30m', 5400],
    ['1h2m3s', 3723],
    ['90m', 5400],
    ['0s', 0],
    [' 10m ', 600],
  ])('%s is %i seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds))

  it.each(['', '10', 'm', '10 m', '1.5h', '-1s', '30m1h', '10M', '1d', '1h 30m', '1h30', '99999999999s'])(
    '%j is refused',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  )

  it('is read back as it was shown', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toBe(seconds)
      }),
    )
  })
})
