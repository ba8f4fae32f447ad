import { expect, it } from 'vitest'
import { outputsOf } from '../../action/outputs.ts'
import { VERSION } from '../../contract/version.ts'
import manifest from '../../package.json' with { type: 'json' }
import { runOf } from '../client/scripted-server.ts'

const results = { total: 5, passed: 2, failed: 1, errored: 1, skipped: 1, flaky: 0 }

it('the outputs sum up all runs', () => {
  const runs = [
    runOf({ id: 'run_a', state: 'failed', results, durationMs: 900, webUrl: 'https://v.example/a' }),
    runOf({
      id: 'run_b',
      state: 'passed',
      results: { ...results, total: 2, failed: 0, errored: 0, skipped: 0 },
      durationMs: 1200,
    }),
  ]
  const outcomes = runs.map((run) => ({ suite: run.suite, run, replayed: false, cases: [], exitCode: 1 as const }))
  const { runs: json, ...outputs } = outputsOf({ state: 'failed', outcomes }, '/x/report.xml')
  expect(outputs).toEqual({
    state: 'failed',
    'run-id': 'run_a',
    'run-url': 'https://v.example/a',
    total: '7',
    passed: '4',
    failed: '2',
    skipped: '1',
    'duration-ms': '1200',
    'junit-file': '/x/report.xml',
  })
  expect(JSON.parse(json).map(({ id }: { id: string }) => id)).toEqual(['run_a', 'run_b'])
})

it('the outputs are empty, never 0, where nothing is known', () => {
  expect(outputsOf({ state: 'errored', outcomes: [] })).toMatchObject({
    'run-id': '',
    total: '',
    failed: '',
    runs: '[]',
  })
})

it('the version is that of package.json', () => {
  expect(VERSION).toBe(manifest.version)
})
