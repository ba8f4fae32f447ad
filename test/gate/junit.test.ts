import { describe, expect, it } from 'vitest'
import type { SuiteOutcome } from '../../gate/gate.ts'
import { junitText } from '../../gate/junit.ts'
import { readJUnit } from '../../report/junit-read.ts'
import { writeJUnit } from '../../report/junit-write.ts'
import { clientFor, problem, runOf, scriptedServer } from '../client/scripted-server.ts'

const passedCase = {
  name: 'adds',
  classname: null,
  testSuite: null,
  file: null,
  line: null,
  state: 'passed',
  durationMs: 1,
  message: null,
  details: null,
  flaky: false,
} as const
const passed = (id: string): SuiteOutcome => ({
  suite: id,
  run: runOf({ id, suite: id, state: 'passed', version: 2 }),
  replayed: false,
  cases: [],
  exitCode: 0,
})
const states = (text: string) =>
  readJUnit([{ path: 'x.xml', bytes: new TextEncoder().encode(text) }]).cases.map(({ state }) => state)

describe('the JUnit file of a call', () => {
  it('is what the server writes when there is one suite', async () => {
    const text = writeJUnit([{ name: 'a', cases: [passedCase] }])
    await using server = await scriptedServer({ 'GET /v1/runs/a/junit': { text } })
    expect(await junitText([passed('a')], clientFor(server.url))).toBe(text)
  })

  it('holds the tests of all suites, and an errored one for each that has no verdict', async () => {
    await using server = await scriptedServer({
      'GET /v1/runs/a/junit': { text: writeJUnit([{ name: 'a', cases: [passedCase, passedCase] }]) },
      'GET /v1/runs/b/junit': { text: writeJUnit([]) },
      'GET /v1/runs/gone/junit': problem(404, 'not_found'),
    })
    const outcomes: SuiteOutcome[] = [
      passed('a'),
      passed('b'),
      { suite: 'c', replayed: false, cases: [], error: new Error('No answer from <server>'), exitCode: 4 },
      { ...passed('gone'), run: runOf({ id: 'gone', suite: 'gone', state: 'errored' }), exitCode: 4 },
    ]
    const text = await junitText(outcomes, clientFor(server.url))
    expect(states(text)).toEqual(['passed', 'passed', 'errored', 'errored'])
    expect(text).toContain('No answer from &lt;server&gt;')
  })

  it('is never green without a verdict', async () => {
    const outcome: SuiteOutcome = {
      suite: 'a',
      run: runOf({ state: 'running' }),
      replayed: false,
      cases: [],
      exitCode: 4,
    }
    expect(states(await junitText([outcome], clientFor('http://127.0.0.1:1')))).toEqual(['errored'])
  })
})
