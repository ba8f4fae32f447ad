import { describe, expect, it } from 'vitest'
import { formatSize, parseSize } from '../../tree/size.ts'

describe('a size', () => {
  it.each([
    ['2 GiB', 2 * 1024 ** 3],
    ['512 MiB', 512 * 1024 ** 2],
    ['512MiB', 512 * 1024 ** 2],
    ['100 MB', 100_000_000],
    ['1.5 GB', 1_500_000_000],
    ['64 kB', 64_000],
    ['10 B', 10],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes))

  it.each(['', '2', 'GiB', '2 gib', '2  GiB', '-1 MB', '1,5 GB', '2 PiB', '2 G', '1e3 MB', '2 toString'])(
    '%j is refused',
    (text) => expect(parseSize(text)).toBeUndefined(),
  )

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [12_345, '12.3 kB'],
    [10_000_000, '10 MB'],
    [465_043_500, '465 MB'],
    [1_000_000_000, '1 GB'],
  ])('%i bytes are shown as %s', (bytes, text) => expect(formatSize(bytes)).toBe(text))
})
