import { describe, expect, it } from 'vitest'
import { annotations } from '../../report/annotations.ts'
import { aCase, aFailedRun, aFailure, aRun } from './cases.ts'

describe('annotations', () => {
  it('are errors for failures, with their place, and warnings for flaky tests', () => {
    const cases = [aCase(), aFailure({ testSuite: 'cart' }), aCase({ name: 'shaky', flaky: true, message: 'once' })]
    expect(annotations([{ run: aFailedRun(1), cases }])).toEqual([
      {
        kind: 'error',
        title: 'smoke: cart > totals',
        message: 'AssertionError: 3 !== 2\n    at test/cart.test.js:12:5',
        file: 'test/cart.test.js',
        line: 12,
      },
      { kind: 'warning', title: 'smoke: flaky: shaky', message: 'Passed only when tried again. once' },
    ])
  })

  it('are one error for a run that ended badly without a failed case, none for one that passed', () => {
    const run = aRun({ state: 'timed_out', reason: { code: 'timeout', message: 'It took over 10 min.', fault: null } })
    expect(
      annotations([
        { run, cases: [aCase()] },
        { run: aRun(), cases: [aCase()] },
      ]),
    ).toEqual([{ kind: 'error', title: 'smoke: timed out', message: 'It took over 10 min.' }])
    expect(annotations([{ run: aFailedRun(300), cases: [] }])).toHaveLength(1)
  })

  it('are at most ten of a kind, the last saying how many more there are', () => {
    const failures = Array.from({ length: 10 }, (_, i) => aFailure({ name: `case ${i}` }))
    const flaky = Array.from({ length: 12 }, () => aCase({ flaky: true }))
    expect(annotations([{ run: aFailedRun(10), cases: failures }])).toHaveLength(10)
    const all = annotations([
      { run: aFailedRun(10), cases: [...failures, ...flaky] },
      { run: aFailedRun(30), cases: failures },
    ])
    const titles = (kind: string) => all.filter((one) => one.kind === kind).map((one) => one.title)
    expect(titles('error')).toHaveLength(10)
    expect(titles('error').at(-1)).toBe('31 more failures without an annotation')
    expect(titles('warning')).toHaveLength(10)
    expect(titles('warning').at(-1)).toBe('3 more flaky tests without an annotation')
  })

  it.each([
    ['test/a.js', undefined, 'test/a.js'],
    ['test/a.js', 'services/shop', 'services/shop/test/a.js'],
    ['test/a.js', './services/', 'services/test/a.js'],
    ['test/a.js', '.', 'test/a.js'],
    ['/usr/lib/a.js', 'services', undefined],
    ['../a.js', 'services', undefined],
    ['test/../../a.js', undefined, undefined],
  ])('put %s of the folder %s at %s', (file, folder, expected) => {
    const [first] = annotations([{ run: aFailedRun(1), cases: [aFailure({ file })] }], { folder })
    expect(first?.file).toBe(expected)
    expect(first?.line).toBe(expected === undefined ? undefined : 12)
  })

  it('keep long and coloured output short and plain', () => {
    const [first] = annotations([
      { run: aFailedRun(1), cases: [aFailure({ name: 'x'.repeat(900), details: `\u001b[31m${'y'.repeat(50_000)}` })] },
    ])
    expect(first?.title.length).toBe(200)
    expect(first?.message.length).toBe(3000)
    expect(first?.message).not.toContain('\u001b')
  })
})
