import { describe, expect, it } from 'vitest'
import { systemRandom } from '../../client/index.ts'
import { canonicalDefinition } from '../../contract/definition.ts'
import type { Suite } from '../../contract/suites.ts'
import type { PlannedSuite } from '../../gate/planned-suite.ts'
import { type RunSettings, runRequests, waitLimitMs } from '../../gate/request.ts'

const tree = { archive: new Uint8Array(), sha256: 'a', filesDigest: 'b', files: 1, bytes: 1 }
const fromTree = (name: string, more: object = {}): PlannedSuite => ({
  from: 'tree',
  name,
  tree,
  definition: { run: 'x', archive: 'a', ...more },
})
const SETTINGS: RunSettings = { wait: true, variables: {}, secrets: {}, labels: [] }
const FACTS = { ci: {}, source: {} }
const requests = (suites: PlannedSuite[], settings: Partial<RunSettings>) =>
  runRequests(suites, { ...SETTINGS, ...settings }, FACTS, systemRandom)

describe('the requests for runs', () => {
  it('give each suite the variables and secrets that it declares, and no other', () => {
    const suites = [fromTree('a', { variables: { X: '1' }, secrets: ['S'] }), fromTree('b', { variables: { Y: '1' } })]
    const bodies = requests(suites, { variables: { X: 'x', Y: 'y' }, secrets: { S: 's' } }).map(({ body }) => body)
    expect(bodies.map(({ variables, secrets }) => [variables, secrets])).toEqual([
      [{ X: 'x' }, { S: 's' }],
      [{ Y: 'y' }, undefined],
    ])
  })

  it('give all to a stored suite that cannot be read: the server knows', () => {
    const [request] = requests([{ from: 'stored', name: 'a', stored: undefined }], {
      variables: { X: 'x' },
      secrets: { S: 's' },
    })
    expect(request!.body).toEqual({ suite: 'a', variables: { X: 'x' }, secrets: { S: 's' }, abandonAfterSeconds: 120 })
  })

  it.each([
    [{ variables: { Z: '1' } }, 'declares the variable Z: declared are X'],
    [{ secrets: { T: '1', S: '1' } }, 'declares the secret T: declared are S'],
    [{}, 'Suite a needs the secret S'],
    [{ secrets: { S: '1' }, timeoutSeconds: 0 }, 'between 1 s and 24 h'],
    [{ secrets: { S: '1' }, timeoutSeconds: 86_401 }, 'between 1 s and 24 h'],
    [{ secrets: { S: '1' }, labels: Array(21).fill('x') }, '20 labels, not 21'],
    [{ secrets: { S: '1' }, labels: [''] }, '1 to 200 characters'],
    [{ secrets: { S: '1' }, idempotencyKey: 'with space' }, 'visible ASCII'],
    [{ secrets: { S: '1' }, idempotencyKey: 'x'.repeat(254) }, 'visible ASCII'],
  ])('are refused for %j', (settings, message) => {
    expect(() => requests([fromTree('a', { variables: { X: '' }, secrets: ['S'] })], settings)).toThrow(message)
  })

  it('name the commit of this checkout for a stored suite that fetches it, and for no other', () => {
    const definition = canonicalDefinition({ run: 'x', source: { git: 'https://git.example/a' } })
    const stored = { name: 'a', definition } as Suite
    const source = { repository: 'git.example/a', commit: 'a'.repeat(40), dirty: true }
    const bodyOf = (suite: Suite) => {
      const facts = { ci: {}, source }
      return runRequests([{ from: 'stored', name: 'a', stored: suite }], SETTINGS, facts, systemRandom)[0]!.body
    }
    expect(bodyOf(stored).source).toEqual(source)
    const { source: _source, ...plain } = definition
    expect(bodyOf({ ...stored, definition: plain })).not.toHaveProperty('source')
  })

  it('are never made of a value: a message names the secret only', () => {
    expect(() => requests([fromTree('a')], { secrets: { T: 'hunter2' } })).not.toThrow('hunter2')
  })

  it.each([
    [{}, {}, 3600 + 1800 + 60],
    [{ timeoutSeconds: 10 }, {}, 3600 + 10 + 60],
    [{ timeoutSeconds: 10 }, { timeoutSeconds: 20 }, 3600 + 20 + 60],
    [{}, { waitTimeoutSeconds: 5 }, 5],
  ])('of suite %j with %j wait at most %d s', (definition, settings, seconds) => {
    expect(requests([fromTree('a', definition)], settings)[0]!.limitMs).toBe(seconds * 1000)
  })

  it('have a wait limit that rerun and wait share', () => {
    expect(waitLimitMs({ runLimitSeconds: 60 })).toBe(3_720_000)
  })
})
