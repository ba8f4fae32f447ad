import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CASE_LIMITS, type CaseState } from '../../contract/case-limits.ts'
import type { ReportedCase } from '../../contract/cases.ts'
import { readJUnit } from '../../report/junit-read.ts'
import { countResults } from '../../report/verdict.ts'
import { temporaryFolder } from '../support/folder.ts'

const FIXTURES = new URL('./fixtures/', import.meta.url)
const ROOT = '/builds/shop'

function fixture(name: string): ReportedCase[] {
  return readJUnit([{ path: name, bytes: readFileSync(new URL(name, FIXTURES)) }], { root: ROOT }).cases
}
function read(xml: string): ReportedCase[] {
  return readJUnit([{ path: 'report.xml', bytes: new TextEncoder().encode(xml) }], { root: ROOT }).cases
}
function only(xml: string): ReportedCase {
  const [first, second] = read(xml)
  if (!first || second) throw new Error('expected one case')
  return first
}

describe('readJUnit counts what the cases say, whatever the dialect', () => {
  const DIALECTS: [string, { passed: number; failed: number; errored: number; skipped: number; flaky?: number }][] = [
    ['ant.xml', { passed: 1, failed: 1, errored: 1, skipped: 0 }],
    ['jenkins-junit10.xml', { passed: 1, failed: 1, errored: 1, skipped: 1 }],
    ['pytest.xml', { passed: 1, failed: 1, errored: 1, skipped: 2 }],
    ['surefire.xml', { passed: 2, failed: 1, errored: 0, skipped: 1, flaky: 1 }],
    ['node-test.xml', { passed: 3, failed: 4, errored: 0, skipped: 2 }],
    ['jest-junit.xml', { passed: 1, failed: 1, errored: 0, skipped: 1 }],
    ['vitest.xml', { passed: 3, failed: 2, errored: 0, skipped: 2 }],
    ['mocha-junit-reporter.xml', { passed: 1, failed: 1, errored: 0, skipped: 0 }],
    ['mocha-xunit.xml', { passed: 1, failed: 1, errored: 0, skipped: 1 }],
    ['go-junit-report.xml', { passed: 1, failed: 1, errored: 0, skipped: 1 }],
    ['gotestsum.xml', { passed: 0, failed: 2, errored: 0, skipped: 0 }],
    ['phpunit.xml', { passed: 2, failed: 1, errored: 1, skipped: 0 }],
    ['rspec.xml', { passed: 1, failed: 1, errored: 0, skipped: 1 }],
    ['trx2junit.xml', { passed: 1, failed: 1, errored: 0, skipped: 1 }],
    ['googletest.xml', { passed: 1, failed: 1, errored: 0, skipped: 2 }],
    ['nextest.xml', { passed: 1, failed: 1, errored: 0, skipped: 0, flaky: 1 }],
    ['suite-error.xml', { passed: 1, failed: 0, errored: 1, skipped: 0 }],
  ]
  it.each(DIALECTS)('%s', (name, expected) => {
    const { passed, failed, errored, skipped } = expected
    const total = passed + failed + errored + skipped
    expect(countResults(fixture(name))).toEqual({ flaky: 0, ...expected, total })
  })

  it('has a row for every fixture', () => {
    expect(DIALECTS.map(([name]) => name).sort()).toEqual(readdirSync(FIXTURES).sort())
  })
})

describe('readJUnit tells people what failed and where', () => {
  it.each<[string, string, Partial<ReportedCase>]>([
    ['ant.xml', 'totals', { file: 'CartTest.java', line: 31, message: 'expected:<3> but was:<2>' }],
    ['ant.xml', 'checksOut', { line: 44, message: 'java.lang.NullPointerException' }],
    ['ant.xml', 'adds', { durationMs: 1_234_500 }],
    ['jenkins-junit10.xml', 'first', { testSuite: 'outer > inner', file: 'tests/inner.t', durationMs: 500 }],
    ['jenkins-junit10.xml', 'second', { state: 'failed', message: 'second is both skipped and failed' }],
    ['jenkins-junit10.xml', 'third', { message: 'two', details: 'details of two' }],
    ['jenkins-junit10.xml', 'fourth', { state: 'skipped', message: 'no need' }],
    ['pytest.xml', 'test_total', { file: 'tests/test_cart.py', line: 12 }],
    ['pytest.xml', 'test_fixture', { state: 'errored', file: 'tests/conftest.py', line: 7 }],
    ['pytest.xml', 'test_later', { state: 'skipped', message: 'not today' }],
    ['surefire.xml', 'recovers', { state: 'passed', flaky: true, message: 'first try', line: 17 }],
    ['surefire.xml', 'neverRecovers', { state: 'failed', flaky: false, message: 'no (and 1 more)' }],
    ['node-test.xml', 'refuses <none> & "nothing"', { testSuite: 'cart > add', file: 'test/cart.test.js', line: 6 }],
    ['node-test.xml', 'sub fails', { message: 'red & bell', line: 12 }],
    ['node-test.xml', 'test/broken.test.js', { file: 'test/broken.test.js', message: 'test failed' }],
    ['node-test.xml', 'todo fails', { state: 'skipped' }],
    ['jest-junit.xml', 'cart totals', { file: 'src/cart.test.js', line: 9 }],
    ['vitest.xml', 'cart > add > fails', { file: 'v/a.test.ts', line: 3 }],
    ['mocha-junit-reporter.xml', 'cart totals', { file: 'test/cart.js', line: 8, message: '3 == 2' }],
    ['mocha-xunit.xml', 'totals', { file: 'test/cart.js', line: 8, message: '3 == 2' }],
    ['go-junit-report.xml', 'TestTotal/two_items', { file: 'cart_test.go', line: 17 }],
    ['gotestsum.xml', 'TestMain', { file: 'broken/broken.go', line: 3 }],
    [
      'phpunit.xml',
      'testTotal with data set #1',
      { file: 'tests/CartTest.php', line: 23, message: 'Failed asserting that 3 matches expected 2.' },
    ],
    ['phpunit.xml', 'testAdds', { file: 'tests/CartTest.php', line: 11 }],
    ['rspec.xml', 'Cart totals', { file: 'spec/cart_spec.rb', line: 9, message: 'expected: 2\n     got: 3' }],
    ['trx2junit.xml', 'Totals', { file: 'tests/CartTests.cs', line: 27 }],
    ['trx2junit.xml', 'Adds(n: 1)', { durationMs: 30.5 }],
    ['googletest.xml', 'Totals', { file: 'cart_test.cc', line: 10 }],
    ['googletest.xml', 'DISABLED_Later', { state: 'skipped', line: 15 }],
    ['nextest.xml', 'tests::total', { file: 'src/cart.rs', line: 21 }],
    ['suite-error.xml', 'set-up breaks', { state: 'errored', message: 'database is away', file: 'src/db.ts', line: 3 }],
  ])('%s: %s', (name, caseName, expected) => {
    expect(fixture(name).find((one) => one.name === caseName)).toMatchObject(expected)
  })

  it('keeps the output of failed cases with their details', () => {
    const total = fixture('pytest.xml').find((one) => one.name === 'test_total')
    expect(total?.details).toMatch(
      /^self = <tests[\s\S]*tests\/test_cart.py:12: AssertionError\n\n--- system-out ---\ncaptured$/,
    )
  })

  it('keeps nothing but the counts of cases that passed', () => {
    expect(fixture('vitest.xml').find((one) => one.name === 'top')).toMatchObject({ message: null, details: null })
  })

  it('reads what this node --test writes, nested suites and all', () => {
    const folder = temporaryFolder('verdict-report-')
    const test = join(folder, 'cart.test.mjs')
    writeFileSync(
      test,
      `import { describe, it } from 'node:test'
describe('cart', () => {
describe('add', () => {
  it('works', () => {})
  it('breaks', () => { throw new Error('no & <no>') })
})
})
`,
    )
    const report = join(folder, 'report.xml')
    const args = ['--test', '--test-reporter=junit', `--test-reporter-destination=${report}`, test]
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env
    expect(() => execFileSync(process.execPath, args, { cwd: folder, env, stdio: 'ignore' })).toThrow()
    const { cases } = readJUnit([{ path: 'report.xml', bytes: readFileSync(report) }], { root: folder })
    expect(cases).toMatchObject([
      { name: 'works', testSuite: 'cart > add', state: 'passed', file: 'cart.test.mjs' },
      { name: 'breaks', state: 'failed', file: 'cart.test.mjs', line: 5, message: 'no & <no>' },
    ])
  })
})

describe('readJUnit reads', () => {
  it.each<[string, string, CaseState]>([
    ['error before failure', '<failure/><error/><skipped/>', 'errored'],
    ['failure before skip', '<skipped/><failure/>', 'failed'],
    ['a skip', '<skipped/>', 'skipped'],
    ['a rerun that failed', '<rerunFailure/>', 'failed'],
    ['a rerun that broke', '<rerunError/>', 'errored'],
    ['a flaky case that failed after all', '<flakyFailure/><failure/>', 'failed'],
    ['output alone', '<system-out>failure</system-out>', 'passed'],
    ['what it does not know', '<properties><property name="failure">x</property></properties><note/>', 'passed'],
  ])('%s', (_, inner, state) => {
    expect(only(`<testsuite><testcase name="a">${inner}</testcase></testsuite>`).state).toBe(state)
  })

  it.each<[string, CaseState]>([
    ['status="run"', 'passed'],
    ['status="passed"', 'passed'],
    ['status="Skipped"', 'skipped'],
    ['status="notrun" result="suppressed"', 'skipped'],
    ['status="fail"', 'failed'],
    ['result="ERROR"', 'errored'],
  ])('a case that has only %s', (attributes, state) => {
    expect(only(`<testsuite><testcase name="a" ${attributes}/></testsuite>`).state).toBe(state)
  })

  it('no counter of the file, but the cases', () => {
    const xml =
      '<testsuites tests="7" failures="3"><testsuite tests="0" errors="9"><testcase name="a"/></testsuite></testsuites>'
    expect(countResults(read(xml))).toMatchObject({ total: 1, passed: 1 })
  })

  it('several files as one report, in their order', () => {
    const bytes = (name: string) => new TextEncoder().encode(`<testsuite><testcase name="${name}"/></testsuite>`)
    const files = ['b', 'a'].map((name) => ({ path: `${name}.xml`, bytes: bytes(name) }))
    expect(readJUnit(files).cases.map((one) => one.name)).toEqual(['b', 'a'])
    expect(readJUnit([]).cases).toEqual([])
  })

  it('text with CDATA, references, comments and tags in it', () => {
    const inner = 'a &lt;b&gt; &#65;&#x1F600; &#xA0;<![CDATA[<c> &amp; ]]]]><![CDATA[>]]><!-- no --> <b>d</b>'
    const one = only(
      `<testsuite><testcase name="&quot;x&quot; &amp;amp;"><failure>${inner}</failure></testcase></testsuite>`,
    )
    expect(one.details).toBe('a <b> A\u{1F600} \u00a0<c> &amp; ]]> d')
    expect(one.name).toBe('"x" &amp;')
  })

  it('a case without a name by its class or suite', () => {
    const names = read('<testsuite name="s"><testcase classname="c"/><testcase/></testsuite>').map((one) => one.name)
    expect([...names, only('<testsuite><testcase name=" "/></testsuite>').name]).toEqual(['c', 's', '(no name)'])
  })

  it('texts of nothing but references or blank lines, however many', () => {
    const inner = `<failure message="${'&#1;'.repeat(1_000_000)}">${' \n'.repeat(1_000_000)}</failure><system-out>${'&lt;'.repeat(1_000_000)}</system-out>`
    const one = only(`<testsuite><testcase name="a">${inner}</testcase></testsuite>`)
    expect(one.message).toBeNull()
    expect(one.details).toMatch(/^--- system-out ---\n<<<.*<… \[cut\]$/)
  })

  it('the part of a very large CDATA section that is kept', () => {
    const one = only(
      `<testsuite><testcase name="a"><error><![CDATA[${'<a>&amp;'.repeat(300_000)}]]></error></testcase></testsuite>`,
    )
    expect(one.details).toMatch(/^(?:<a>&amp;)+.*… \[cut\]$/)
  })

  it('no escape sequence and no control character', () => {
    const one = only(
      '<testsuite><testcase name="a\u001b[2Jb&#7;"><error message="&#27;[31mred\r\n"/></testcase></testsuite>',
    )
    expect(one).toMatchObject({ name: 'ab', message: 'red' })
  })

  it('long texts up to their limits, with a mark', () => {
    const long = 'x'.repeat(100_000)
    const one = only(
      `<testsuite name="${long}"><testcase name="${long}" classname="${long}" file="${long}"><failure message="${long}">${long}</failure></testcase></testsuite>`,
    )
    expect([one.name, one.classname, one.testSuite, one.file].map((text) => text?.length)).toEqual([
      1000, 1000, 1000, 1000,
    ])
    expect([one.message?.length, one.details?.length]).toEqual([CASE_LIMITS.message, CASE_LIMITS.details])
    expect(one.details).toMatch(/… \[cut\]$/)
  })

  it.each([
    '<testsuites/>',
    '<testsuite></testsuite>',
    '\ufeff<?xml version="1.0"?>\n<!DOCTYPE testsuites>\n<!-- none -->\n<testsuites></testsuites>\n<!-- end -->',
    '\n\n<?xml version="1.0"?><testsuites/>',
    '<!DOCTYPE testsuites [<!ELEMENT testsuites ANY>]><testsuites/>',
  ])('no case from %j', (xml) => {
    expect(read(xml)).toEqual([])
  })

  it('100,000 cases in little time', () => {
    const row = '<testcase name="case" classname="a.b" file="x.js" time="0.1"/>\n'
    expect(read(`<testsuites><testsuite name="s">${row.repeat(100_000)}</testsuite></testsuites>`)).toHaveLength(
      100_000,
    )
  })

  it('a very large output without taking more than a few times its size', () => {
    const output = 'some &lt;text here\n'.repeat(1_000_000)
    const one = only(
      `<testsuite><testcase name="a"><failure/><system-out>${output}</system-out></testcase></testsuite>`,
    )
    expect(one.details?.slice(0, 40)).toBe('--- system-out ---\nsome <text here\nsome ')
  })
})
