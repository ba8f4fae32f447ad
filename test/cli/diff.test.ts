import { describe, expect, it } from 'vitest'
import { diffLines } from '../../cli/diff.ts'

const lines = (...some: string[]) => some.map((line) => `${line}\n`).join('')

describe('what becomes of a text', () => {
  it('is all new where there was none', () => {
    expect(diffLines('', lines('a', 'b'))).toEqual(['+a', '+b'])
  })

  it('shows what is put in, with the lines beside it', () => {
    const before = lines('1', '2', '3', '4', '5', '6', '7', '8', '9')
    expect(diffLines(before, before.replace('5\n', '5\nnew\n'))).toEqual([
      ' 3',
      ' 4',
      ' 5',
      '+new',
      ' 6',
      ' 7',
      ' 8',
      '…',
    ])
  })

  it('shows what goes before what comes', () => {
    expect(diffLines(lines('a', 'old', 'b'), lines('a', 'new', 'b'))).toEqual([' a', '-old', '+new', ' b'])
  })

  it('is nothing where nothing changes, whatever the last line end', () => {
    expect(diffLines('a\n', 'a')).toEqual([])
  })

  it('compares no texts that are too long for it', () => {
    const long = lines(...Array.from({ length: 2001 }, (_, index) => String(index)))
    expect(diffLines(long, `${long}end\n`).filter((line) => line.startsWith('+'))).toHaveLength(2002)
  })
})
