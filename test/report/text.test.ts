import { describe, expect, it } from 'vitest'
import { formatDuration, readSeconds } from '../../report/duration.ts'
import { clean, counted, cut, oneLine } from '../../report/text.ts'

describe('clean', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b[38;5;12mx\u001b[K', 'x'],
    ['\u009b31mred', 'red'],
    ['#x1B[31mpytest#x1B[0m', 'pytest'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b]8;;https://a.example\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['\u001b]never ended', ']never ended'],
    ['\u001bcreset', 'reset'],
    ['bell\u0007, nul\u0000, del\u007f, nel\u0085', 'bell, nul, del, nel'],
    ['a\r\nb\rc', 'a\nb\nc'],
    ['half \ud800 pair', 'half \ufffd pair'],
    ['\ud83d\ude00 stays', '\ud83d\ude00 stays'],
    ['\ufffe\uffffx', 'x'],
    ['tab\tand\nline', 'tab\tand\nline'],
  ])('makes %j to %j', (text, expected) => {
    expect(clean(text)).toBe(expected)
  })
})

describe('oneLine', () => {
  it('puts a text on one line and leaves blanks inside as they are', () => {
    expect(oneLine('  a \r\n\t b  c\u2028d ')).toBe('a b  c d')
  })

  it('takes time in proportion to the length', () => {
    expect(oneLine(`a${' '.repeat(300_000)}b`).length).toBe(300_002)
    expect(oneLine(`a${'\n'.repeat(300_000)}b`)).toBe('a b')
  })
})

describe('cut', () => {
  it('keeps to the limit with its mark', () => {
    expect(cut('x'.repeat(20), 20)).toBe('x'.repeat(20))
    expect(cut('x'.repeat(21), 20)).toBe(`${'x'.repeat(13)}… [cut]`)
  })

  it('never cuts a character in two', () => {
    expect(cut('\ud83d\ude00'.repeat(20), 20)).toBe(`${'\ud83d\ude00'.repeat(6)}… [cut]`)
  })
})

describe('counted', () => {
  it('knows one from many', () => {
    expect([counted(0, 'test'), counted(1, 'test'), counted(1200, 'test')]).toEqual([
      '0 tests',
      '1 test',
      '1,200 tests',
    ])
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [850.4, '850 ms'],
    [999.6, '1.0 s'],
    [3200, '3.2 s'],
    [59_949, '59.9 s'],
    [59_951, '1 min'],
    [125_000, '2 min 5 s'],
    [3_599_600, '1 h'],
    [3_840_000, '1 h 4 min'],
  ])('says %d as %s', (ms, words) => {
    expect(formatDuration(ms)).toBe(words)
  })
})

describe('readSeconds', () => {
  it.each([
    ['0.012', 12],
    ['.5', 500],
    ['0.', 0],
    ['12', 12_000],
    ['1,234.567', 1_234_567],
    ['1,234,567', 1_234_567_000],
    ['0,25', 250],
    ["1'234.5", 1_234_500],
    ['1e-05', 0.01],
    ['0.5s', 500],
    ['', null],
    ['NaN', null],
    ['-1', null],
    ['Infinity', null],
    ['1e999', null],
    ['soon', null],
    ['1.2.3', null],
    [undefined, null],
  ])('reads %j as %j ms', (text, ms) => {
    expect(readSeconds(text)).toBe(ms)
  })
})
