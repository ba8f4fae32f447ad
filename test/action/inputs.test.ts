import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseInputs, readServer } from '../../action/inputs.ts'
import { OUTPUT_NAMES } from '../../action/outputs.ts'

const GIVEN = { url: 'https://verdict.example', 'api-key': 'vdt_x' }
const manifest = parse(readFileSync(new URL('../../action.yml', import.meta.url), 'utf8'))

function parsed(given: Record<string, string>, env: Record<string, string> = {}) {
  const all: Record<string, string> = { ...GIVEN, ...given }
  return parseInputs((name) => all[name] ?? '', env, 'no `api-key`')
}

describe('the inputs', () => {
  it('have defaults', () => {
    expect(parsed({})).toEqual({
      url: 'https://verdict.example',
      apiKey: 'vdt_x',
      suites: [],
      stored: false,
      variables: {},
      secrets: {},
      wait: true,
      timeoutSeconds: undefined,
      waitTimeoutSeconds: undefined,
      callbackUrl: undefined,
      labels: [],
      junitFile: undefined,
      artifactsDir: undefined,
      summary: true,
      annotations: true,
      failOnFailure: true,
      workingDirectory: '.',
      idempotencyKey: undefined,
    })
  })

  it.each([
    ['suites', 'smoke', { suites: ['smoke'] }],
    ['suites', 'smoke, checkout', { suites: ['smoke', 'checkout'] }],
    ['suites', 'smoke\r\n shop/* \n\n,checkout,', { suites: ['smoke', 'shop/*', 'checkout'] }],
    ['labels', 'a b\nc', { labels: ['a b', 'c'] }],
    ['stored', 'TRUE', { stored: true }],
    ['wait', ' false\n', { wait: false }],
    ['timeout', '1h30m', { timeoutSeconds: 5400 }],
    ['wait-timeout', '45s', { waitTimeoutSeconds: 45 }],
    ['variables', 'A=1', { variables: { A: '1' } }],
    ['variables', 'A=1,2=3\r\nB= x \n\nC=', { variables: { A: '1,2=3', B: ' x ', C: '' } }],
    ['variables', 'A=$(id) `id` "q" %0A ünï', { variables: { A: '$(id) `id` "q" %0A ünï' } }],
    ['junit-file', ' out/report.xml ', { junitFile: 'out/report.xml' }],
  ])('read %s %j', (name, text, expected) => {
    expect(parsed({ [name]: text })).toMatchObject(expected)
  })

  it('take secrets by name from the environment, several lines of a value too', () => {
    expect(parsed({ secrets: 'A,B' }, { A: 'x', B: 'l1\nl2', C: 'no' }).secrets).toEqual({ A: 'x', B: 'l1\nl2' })
  })

  it('fall back to the environment for server and key', () => {
    const env = { VERDICT_URL: 'https://env.example', VERDICT_API_KEY: 'vdt_env\n' }
    expect(readServer(() => '', env)).toEqual({ url: 'https://env.example', apiKey: 'vdt_env' })
    expect(readServer((name) => GIVEN[name as keyof typeof GIVEN], env)).toEqual({ url: GIVEN.url, apiKey: 'vdt_x' })
  })

  it.each([
    [{ url: '' }, 'no `url`'],
    [{ 'api-key': '  ' }, 'no `api-key`'],
    [{ wait: 'yes' }, '`wait` is neither true nor false'],
    [{ timeout: '10' }, '`timeout` is not a duration'],
    [{ 'wait-timeout': 'soon' }, '`wait-timeout` is not a duration'],
    [{ variables: 'A=1\nhunter2' }, 'line 2 of `variables` is not KEY=value'],
    [{ variables: '1A=hunter2' }, 'line 1 of `variables` does not begin with a name'],
    [{ variables: 'PATH=hunter2' }, 'sets PATH, which is reserved'],
    [{ variables: 'A=hunter2\nA=hunter2' }, 'line 2 of `variables` sets A a second time'],
    [{ secrets: 'MISSING' }, 'secret MISSING: the step has no such variable'],
    [{ secrets: 'EMPTY' }, 'secret EMPTY: the variable is empty'],
    [{ secrets: 'hunter2=hunter2' }, 'takes names of environment variables of the step, never values'],
    [{ wait: 'false', 'junit-file': 'x' }, '`junit-file` is of no use with `wait: false`'],
  ])('%j are refused: %s', (given, message) => {
    expect(() => parsed(given, { EMPTY: '' })).toThrow(message)
    expect(() => parsed(given, { EMPTY: '' })).not.toThrow('hunter2')
  })

  it('are all told of at once', () => {
    expect(() => parsed({ url: '', wait: 'x', timeout: 'x' })).toThrow(/`url`[\s\S]*`wait`[\s\S]*`timeout`/)
  })
})

describe('action.yml', () => {
  it('names exactly the inputs that are read, with their defaults', () => {
    const read = new Set<string>()
    const note = (name: string) => {
      read.add(name)
      return GIVEN[name as keyof typeof GIVEN] ?? ''
    }
    parseInputs(note, {}, '')
    expect(Object.keys(manifest.inputs).sort()).toEqual([...read].sort())
    const inputs = Object.entries<{ default?: string }>(manifest.inputs)
    const defaults = Object.fromEntries(inputs.map(([name, input]) => [name, input.default ?? '']))
    expect(parsed({ ...defaults, ...GIVEN })).toEqual(parsed({}))
  })

  it('names exactly the outputs that are given, and describes each', () => {
    expect(Object.keys(manifest.outputs)).toEqual([...OUTPUT_NAMES])
    for (const entry of [...Object.values(manifest.inputs), ...Object.values(manifest.outputs)]) {
      expect((entry as { description: string }).description.length).toBeGreaterThan(10)
    }
  })

  it('runs one file as main and post on node24', () => {
    expect(manifest.runs).toEqual({ using: 'node24', main: 'dist/action/index.js', post: 'dist/action/index.js' })
  })
})
