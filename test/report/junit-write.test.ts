import fc from 'fast-check'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { describe, expect, it } from 'vitest'
import { CASE_STATES } from '../../contract/case-limits.ts'
import type { ReportedCase } from '../../contract/cases.ts'
import { readJUnit } from '../../report/junit-read.ts'
import { junitChunks, type WrittenSuite, writeJUnit } from '../../report/junit-write.ts'
import { oneLine } from '../../report/text.ts'
import { countResults } from '../../report/verdict.ts'
import { aCase, aFailedRun, aFailure, aRun } from './cases.ts'

function readBack(xml: string): ReportedCase[] {
  expect(XMLValidator.validate(xml)).toBe(true)
  return readJUnit([{ path: 'written.xml', bytes: new TextEncoder().encode(xml) }]).cases
}
/** The document as another parser sees it. */
function parsed(xml: string) {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (name) => name === 'testsuite',
  })
  return parser.parse(xml).testsuites
}

describe('writeJUnit', () => {
  it('writes what CI systems show: names, classes, files, times, messages, details', () => {
    const cases = [
      aCase({ durationMs: 1234 }),
      aFailure({ testSuite: 'totals' }),
      aCase({ state: 'skipped', message: 'off' }),
    ]
    const run = { ...aFailedRun(1), startedAt: '2026-11-20T10:00:00.000Z' }
    expect(writeJUnit([{ name: 'smoke', cases, run }])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="verdict" tests="3" failures="1" errors="0" skipped="1" time="1.244">
  <testsuite name="smoke" tests="2" failures="0" errors="0" skipped="1" time="1.239" timestamp="2026-11-20T10:00:00.000Z">
    <testcase name="adds an item" classname="cart" time="1.234"/>
    <testcase name="adds an item" classname="cart" time="0.005">
      <skipped message="off"/>
    </testcase>
  </testsuite>
  <testsuite name="smoke &gt; totals" tests="1" failures="1" errors="0" skipped="0" time="0.005" timestamp="2026-11-20T10:00:00.000Z">
    <testcase name="totals" classname="cart" file="test/cart.test.js" line="12" time="0.005">
      <failure message="3 !== 2" type="failure">AssertionError: 3 !== 2
    at test/cart.test.js:12:5</failure>
    </testcase>
  </testsuite>
</testsuites>
`)
  })

  it.each<[string, WrittenSuite['run']]>([
    ['errored', aRun({ state: 'errored', reason: { code: 'setup_failed', message: 'npm ci broke', fault: 'suite' } })],
    ['timed out', aRun({ state: 'timed_out', reason: { code: 'timeout', message: 'too slow', fault: null } })],
    ['cancelled', aRun({ state: 'cancelled', reason: null })],
    ['still running', aRun({ state: 'running' })],
    [
      'failed by its exit code',
      aRun({ state: 'failed', reason: { code: 'command_failed', message: 'code 2', fault: 'suite' } }),
    ],
  ])('never shows a run as green that is %s', (_, run) => {
    for (const cases of [[], [aCase()]]) {
      const [first] = readBack(writeJUnit([{ name: 'smoke', cases, run }]))
      expect(first).toMatchObject({ name: 'verdict of smoke', state: 'errored', message: expect.stringMatching(/\w/) })
    }
  })

  it('adds nothing to a run that passed, or whose cases say that it did not', () => {
    expect(readBack(writeJUnit([{ name: 'a', cases: [aCase()], run: aRun() }]))).toHaveLength(1)
    expect(readBack(writeJUnit([{ name: 'a', cases: [aFailure()], run: aFailedRun(1) }]))).toHaveLength(1)
  })

  it('counts rightly in every suite and in all', () => {
    const cases = [...CASE_STATES, ...CASE_STATES].map((state, i) => aCase({ state, testSuite: i < 4 ? 'one' : 'two' }))
    const document = parsed(
      writeJUnit([
        { name: 'a', cases },
        { name: 'b', cases: [] },
      ]),
    )
    expect(document).toMatchObject({ tests: '8', failures: '2', errors: '2', skipped: '2' })
    expect(document.testsuite.map((suite: { name: string; tests: string }) => [suite.name, suite.tests])).toEqual([
      ['a > one', '4'],
      ['a > two', '4'],
      ['b', '0'],
    ])
  })

  it('replaces what XML 1.0 does not allow', () => {
    const bad = 'a\u0000\u0008\u001b\ud800\uffffz'
    const xml = writeJUnit([{ name: bad, cases: [aFailure({ name: bad, message: bad, details: bad })] }])
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\uffff]|\p{Surrogate}/u)
    expect(xml).toContain('name="a\ufffd\ufffd\ufffd\ufffd\ufffdz"')
  })

  it('gives the same piece by piece', () => {
    const suites = [{ name: 'a', cases: [aCase(), aFailure()] }]
    expect([...junitChunks(suites)].join('')).toBe(writeJUnit(suites))
  })

  it('writes 100,000 cases in little time', () => {
    const cases = Array.from({ length: 100_000 }, (_, i) => aCase({ name: `case ${i}` }))
    expect(readBack(writeJUnit([{ name: 'a', cases }]))).toHaveLength(100_000)
  })

  it('loses nothing when it is read again', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab <>&"\'\n\t]]>\u001b\ud800\u{1F600}é#x1B['), maxLength: 30 })
    const anyText = fc.oneof(text, fc.string({ unit: 'binary', maxLength: 30 }))
    const one = fc.record({
      name: anyText.map((name) => `n${name}`),
      classname: fc.option(anyText),
      testSuite: fc.option(anyText.map((name) => `s${name}`)),
      file: fc.constant(null),
      line: fc.constant(null),
      state: fc.constantFrom(...CASE_STATES),
      durationMs: fc.option(fc.nat(100_000)),
      message: fc.option(anyText),
      details: fc.option(anyText),
      flaky: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), (generated) => {
        const cases = generated.map((each) => ({ ...each, flaky: each.flaky && each.state === 'passed' }))
        const again = readBack(writeJUnit([{ name: 'suite', cases }]))
        expect(countResults(again)).toEqual(countResults(cases))
        const said = (list: readonly ReportedCase[]) =>
          list
            .map((each) => JSON.stringify([oneLine(written(each.name)), each.state, each.flaky, each.durationMs]))
            .sort()
        expect(said(again)).toEqual(said(cases))
      }),
      { numRuns: 200 },
    )
  })
})

/** A name as XML can hold it: control characters are replaced when it is written. */
function written(name: string): string {
  return name.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
}
