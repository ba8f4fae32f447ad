import { describe, expect, it } from 'vitest'
import { matchSuites, selectSuites, UnknownSuiteError } from '../../tree/select.ts'
import { readSuiteFile } from '../../tree/suite-file.ts'

const SUITES = 'suites: { checkout: { run: x }, check-api: { run: x }, smoke: { run: x } }'
const shop = readSuiteFile('verdict.yaml', `project: shop\n${SUITES}`)
const plain = readSuiteFile('verdict.yaml', SUITES)

describe('suites are selected', () => {
  it.each([
    [[], ['shop/checkout', 'shop/check-api', 'shop/smoke']],
    [['checkout'], ['shop/checkout']],
    [['shop/checkout'], ['shop/checkout']],
    [
      ['smoke', 'checkout', 'smoke', 'shop/smoke'],
      ['shop/checkout', 'shop/smoke'],
    ],
    [['check*'], ['shop/checkout', 'shop/check-api']],
    [['shop/*'], ['shop/checkout', 'shop/check-api', 'shop/smoke']],
    [['*'], ['shop/checkout', 'shop/check-api', 'shop/smoke']],
  ])('by %j: %j', (patterns, names) => expect(selectSuites(shop, patterns)).toEqual(names))

  it('by their plain names when there is no project', () => {
    expect(selectSuites(plain, ['check*'])).toEqual(['checkout', 'check-api'])
  })

  it.each([
    ['chekout', 'verdict.yaml has no suite "chekout" (did you mean "checkout"?)'],
    ['shop/smok', 'verdict.yaml has no suite "shop/smok" (did you mean "shop/smoke"?)'],
    ['zzz*', 'verdict.yaml has no suite "zzz*"; it has shop/checkout, shop/check-api, shop/smoke'],
    ['!smoke', 'verdict.yaml has no suite "!smoke" (did you mean "smoke"?)'],
    ['', 'verdict.yaml has no suite ""; it has shop/checkout, shop/check-api, shop/smoke'],
  ])('%j is refused with names that were probably meant', (pattern, message) => {
    expect(matchSuites(shop, pattern)).toEqual([])
    expect(() => selectSuites(shop, ['smoke', pattern])).toThrow(UnknownSuiteError)
    expect(() => selectSuites(shop, ['smoke', pattern])).toThrow(message)
  })
})
