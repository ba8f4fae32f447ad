import fc from 'fast-check'
import picomatch from 'picomatch'
import { describe, expect, it } from 'vitest'
import { compileGlob } from '../../worker/glob.ts'

const name = fc.string({ unit: fc.constantFrom('a', 'b', '.x'), minLength: 1, maxLength: 4 })
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const piece = fc.constantFrom('a', 'b', '.x', '*', '?', '[ab]', '[^a]', '{a,b}', '{a,b*}')
const segment = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('').replaceAll(/\*+/g, '*')),
  fc.constant('**'),
)
const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))

describe('globs', () => {
  it('mean what picomatch says that they mean', () => {
    fc.assert(
      fc.property(pattern, path, (glob, file) => {
        // There `a/**` is `a`, too, though not `*/**`.
        fc.pre(!glob.endsWith('/**') || !compileGlob(glob.replace(/(\/\*\*)+$/, '')).matches(file))
        expect({ glob, file, is: compileGlob(glob).matches(file) }).toEqual({
          glob,
          file,
          is: picomatch.isMatch(file, glob, { dot: true, nonegate: true }),
        })
      }),
      { numRuns: 5_000 },
    )
  })

  it('may match beneath every folder above a path that they mean', () => {
    fc.assert(
      fc.property(pattern, path, (glob, file) => {
        const compiled = compileGlob(glob)
        fc.pre(compiled.matches(file))
        const above = file.split('/').slice(0, -1)
        for (let i = 1; i <= above.length; i++) expect(compiled.mayMatchBeneath(above.slice(0, i).join('/'))).toBe(true)
      }),
    )
  })

  const cases: [string, string, boolean][] = [
    ['report.xml', 'report.xml', true],
    ['./report.xml', 'report.xml', true],
    ['out//report.xml', 'out/report.xml', true],
    ['report.xml', 'reportAxml', false],
    ['**/*.xml', 'a.xml', true],
    ['**/*.xml', 'a/b/c.xml', true],
    ['a/**/b', 'a/b', true],
    ['a/**', 'a', false],
    ['a/**', 'a/b/c', true],
    ['{a,b}/{c,d{e,f}}.xml', 'b/df.xml', true],
    ['{a}', '{a}', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[', '[', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['*', '.hidden', true],
    ['../x', 'x', false],
    ['/x', 'x', true],
  ]
  it.each(cases)('%s and %s: %s', (glob, file, expected) => expect(compileGlob(glob).matches(file)).toBe(expected))

  it('name folders with all that is in them when asked', () => {
    const glob = compileGlob('shots', { folders: true })
    expect(['shots', 'shots/a', 'shots/b/c', 'other'].map((file) => glob.matches(file))).toEqual([
      true,
      true,
      true,
      false,
    ])
    expect(glob.mayMatchBeneath('shots/b')).toBe(true)
  })

  it('know the folders that they lead through by name', () => {
    expect(['out', 'out/a', 'out/a/b'].map(compileGlob('out/*/**/x.xml').leadsThrough)).toEqual([true, true, false])
  })

  it('take time in proportion, whatever the pattern', () => {
    const before = performance.now()
    const hostile = compileGlob(`${'*a'.repeat(200)}b/${'**/a/'.repeat(40)}b`)
    for (let i = 0; i < 20; i++) expect(hostile.matches(`${'a'.repeat(2000)}/${'a/'.repeat(1000)}a`)).toBe(false)
    expect(compileGlob('{a,b}'.repeat(50)).matches('c')).toBe(false)
    expect(performance.now() - before).toBeLessThan(3_000)
  })
})
