import { describe, expect, it } from 'vitest'
import { didYouMean, nearNames } from '../../tree/near-names.ts'

describe('near names', () => {
  it.each([
    ['tiemout', ['timeout', 'time', 'attempts'], ['timeout']],
    ['chekout', ['checkout', 'smoke'], ['checkout']],
    ['RUN', ['run', 'runsOn'], ['run']],
    ['runson', ['run', 'runsOn'], ['runsOn']],
    ['zzz', ['checkout', 'smoke'], []],
    ['ab', ['abc', 'xy'], ['abc']],
    ['', ['run'], []],
    ['smoke', [], []],
  ])('of %j among %j are %j', (name, candidates, near) => expect(nearNames(name, candidates)).toEqual(near))

  it('come nearest first, and no more than asked for', () => {
    expect(nearNames('smoke', ['smoke-3', 'smokes', 'smok', 'smoke1'], 2)).toEqual(['smok', 'smoke1'])
  })

  it('are not looked for when the name is too long to be a slip', () => {
    expect(nearNames('a'.repeat(201), ['a'.repeat(200)])).toEqual([])
  })

  it('are put into words', () => {
    expect(didYouMean('smokee', ['smoke', 'smoked'])).toBe(' (did you mean "smoke" or "smoked"?)')
    expect(didYouMean('x', ['checkout'])).toBe('')
  })
})
