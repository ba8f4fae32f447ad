import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ACT_MISSING, type Workflow, WorkflowRun } from '../support/act.ts'
import { skipReason } from '../support/ci-tools.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { NODE_TESTS, shop, suiteFile } from '../support/e2e-tree.ts'
import { root } from './github-files.ts'

const reason = ACT_MISSING || skipReason('curl')
const push = { event: 'push' }
const forked = {
  event: 'pull_request',
  payload: {
    number: 7,
    repository: { full_name: 'acme/shop' },
    pull_request: { number: 7, head: { repo: { full_name: 'them/shop' } }, base: { repo: { full_name: 'acme/shop' } } },
  },
}

/** Each example that needs nothing but the Action; how its jobs end, and which suites have then run. */
const ROWS: readonly (Partial<Workflow> & { files: readonly string[]; ends: string[]; ran: string[] })[] = [
  { files: ['key.yml'], ...push, ends: ['success'], ran: ['smoke', 'unit'] },
  { files: ['matrix.yml'], ...push, ends: ['success', 'success'], ran: ['smoke', 'unit'] },
  { files: ['reusable-caller.yml', 'reusable.yml'], ...push, ends: ['success'], ran: ['unit'] },
  { files: ['merge-queue.yml'], event: 'merge_group', ends: ['success'], ran: ['smoke', 'unit'] },
  { files: ['forks.yml'], ...push, ends: ['success'], ran: ['smoke', 'unit'] },
  { files: ['forks.yml'], ...forked, ends: [], ran: [] },
]

describe.skipIf(reason !== '')(`examples for GitHub, run by act${reason}`, { timeout: 60_000 }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ env: { VERDICT_WORKER_SLOTS: '2' } })
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage.close())

  it.each(ROWS)('$files: at $event its jobs end $ends', async ({ files, ends, ran, ...on }) => {
    const { started } = await start(files, on)
    const { exitCode } = await started.ended
    expect(exitCode, started.log()).toBe(0)
    // act repeats the result of a called job as its caller's.
    expect([...new Set(Object.values(started.results()))]).toEqual([...new Set(ends)])
    const verdicts = [...started.log().matchAll(/✓ (\w+) passed/g)].map(([, suite]) => suite)
    expect(verdicts.sort()).toEqual(ran)
  })

  it('wait-false.yml: the runs go on, and the next step comes to their verdict', async () => {
    const { started } = await start(['wait-false.yml'], push, { unit: NODE_TESTS })
    const { exitCode } = await started.ended
    expect(exitCode, started.log()).toBe(0)
    // act gives a step a terminal, so there may be colours.
    expect(started.printed().join('\n')).toMatch(/meanwhile[\s\S]*✓.*unit.*passed/)
  })

  async function start(
    files: readonly string[],
    on: Partial<Workflow>,
    suites: Record<string, object> = { unit: NODE_TESTS, smoke: NODE_TESTS },
  ) {
    const workflows = files.map((name) => [
      `.github/workflows/${name}`,
      readFileSync(join(root, 'examples/ci/github', name), 'utf8'),
    ])
    const repository = await stage.checkout({
      ...shop(),
      'verdict.yaml': suiteFile(suites),
      ...Object.fromEntries(workflows),
    })
    const file = files.length === 1 ? files[0] : undefined
    return { started: await WorkflowRun.start(stage, { repository, uses: 'your-org/verdict@main', file, ...on }) }
  }
})
