import type { Case } from '../../contract/cases.ts'
import type { Run } from '../../contract/runs.ts'
import { runAnswer, runOf, type Scripted, scriptedServer } from '../client/scripted-server.ts'

export const TREE = {
  'verdict.yaml': [
    'suites:',
    '  smoke: { run: npm test, files: [a.txt], variables: { TARGET: x }, secrets: [] }',
    '  slow: { run: npm run slow, files: [a.txt] }',
  ].join('\n'),
  'a.txt': 'a',
}
const RESULTS = { total: 2, passed: 1, failed: 1, skipped: 0, errored: 0, flaky: 0 }
const FAILURE: Case = {
  id: 1,
  name: 'adds',
  classname: null,
  testSuite: 'cart',
  file: 'test/cart.js',
  line: 3,
  state: 'failed',
  durationMs: 1,
  message: '1 is not 2',
  details: '1 is not 2\n::error::forged\n\u001b[31mred',
  flaky: false,
}
export const FAILED: Partial<Run> = {
  state: 'failed',
  version: 3,
  durationMs: 400,
  results: RESULTS,
  reason: { code: 'tests_failed', message: '1 of 2 tests failed: adds', fault: 'suite' },
}
export const PASSED: Partial<Run> = {
  state: 'passed',
  version: 3,
  durationMs: 3200,
  results: { ...RESULTS, passed: 2, failed: 0 },
}

/** A server that takes archives and runs; each suite's run is running when first looked at, and then what `ends` says. */
export async function gateServer(ends: Record<string, Partial<Run>>, more: Record<string, Scripted> = {}) {
  const script: Parameters<typeof scriptedServer>[0] = {
    'POST /v1/runs': ({ body }) => {
      const { suite } = JSON.parse(body.toString())
      return { status: 202, json: runOf({ id: `run_${suite}`, suite }) }
    },
    '*': ({ method, path }) =>
      path.startsWith('/v1/archives/') ? { status: method === 'HEAD' ? 404 : 201, json: {} } : undefined,
  }
  for (const [suite, end] of Object.entries(ends)) {
    const id = `run_${suite}`
    script[`GET /v1/runs/${id}`] = (_, nth) =>
      runAnswer(nth === 1 ? { id, suite, state: 'running', version: 2, attempt: 1 } : { id, suite, ...end })
    script[`GET /v1/runs/${id}/cases`] = { json: { items: [FAILURE], next: null } }
    script[`GET /v1/runs/${id}/log`] = { text: 'one\ntwo\n' }
    script[`POST /v1/runs/${id}/cancel`] = { status: 202, json: runOf({ id, suite, state: 'cancelled', version: 9 }) }
  }
  return scriptedServer({ ...script, ...more })
}
export type GateServer = Awaited<ReturnType<typeof gateServer>>
/** The bodies of the triggers that came. */
export const triggers = (server: GateServer) =>
  server.of('POST /v1/runs').map(({ body }) => JSON.parse(body.toString()))
