import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { ACT_MISSING, type Workflow, WorkflowRun } from '../support/act.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { NODE_TESTS, shop, suiteFile } from '../support/e2e-tree.ts'

const CHECKOUT = { uses: 'actions/checkout@v5' }
const gate = (more: object = {}) => ({
  id: 'verdict',
  uses: 'acme/verdict@v1',
  with: { url: '${{ vars.VERDICT_URL }}', 'api-key': '${{ secrets.VERDICT_API_KEY }}', ...more },
})
/** Prints outputs of the gate, as a later step reads them. */
const TELL = {
  if: 'always()',
  run: 'echo "state=$STATE failed=$FAILED total=$TOTAL"',
  env: {
    STATE: '${{ steps.verdict.outputs.state }}',
    FAILED: '${{ steps.verdict.outputs.failed }}',
    TOTAL: '${{ steps.verdict.outputs.total }}',
  },
}
const job = (steps: object[], more: object = {}) => ({
  'runs-on': 'ubuntu-latest',
  ...more,
  steps: [CHECKOUT, ...steps],
})
const workflow = (jobs: object, on: unknown = 'push') => stringify({ name: 'test', on, jobs })

const FORK = {
  number: 7,
  pull_request: {
    number: 7,
    head: { sha: 'a'.repeat(40), ref: 'theirs', repo: { full_name: 'them/shop' } },
    base: { ref: 'main', repo: { full_name: 'acme/shop' } },
  },
}

describe.skipIf(ACT_MISSING !== '')(`a consumer's workflow, run by act${ACT_MISSING}`, { timeout: 60_000 }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ env: { VERDICT_WORKER_SLOTS: '2' } })
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage.close())

  /** Starts the workflows of a checkout of the shop. */
  async function start(files: Record<string, string>, options: Partial<Workflow> = {}, price?: string) {
    const named = Object.entries(files).map(([name, text]) => [
      name.includes('/') ? name : `.github/workflows/${name}`,
      text,
    ])
    const repository = await stage.checkout({ ...shop(price), ...Object.fromEntries(named) })
    return WorkflowRun.start(stage, { repository, uses: 'acme/verdict@v1', ...options })
  }
  async function run(...given: Parameters<typeof start>) {
    const started = await start(...given)
    const { exitCode } = await started.ended
    return { exitCode, ran: started, log: started.log() }
  }

  it('passes with the tests; later steps have the outputs, and the summary has the suite', async () => {
    const { exitCode, ran, log } = await run({ 'a.yml': workflow({ gate: job([gate(), TELL]) }) })
    expect(exitCode, log).toBe(0)
    expect(ran.printed()).toContain('state=passed failed=0 total=2')
    expect(ran.summary()).toMatch(/price.*passed/)
    expect(ran.annotations()).toEqual([])
  })

  it('fails the job with the tests, with an annotation at the line', async () => {
    const { exitCode, ran, log } = await run({ 'a.yml': workflow({ gate: job([gate(), TELL]) }) }, {}, 'net')
    expect(exitCode, log).toBe(1)
    expect(ran.results()).toEqual({ 'test/gate': 'failure' })
    expect(ran.printed()).toContain('state=failed failed=1 total=2')
    expect(ran.annotations()).toEqual([
      expect.stringMatching(/^::error title=[^,]*adds the tax,file=test\/price\.test\.js,line=4::/),
    ])
    expect(ran.summary()).toMatch(/adds the tax/)
  })

  it('goes on after a red gate with continue-on-error', async () => {
    const steps = [{ ...gate(), 'continue-on-error': true }, TELL]
    const { exitCode, ran, log } = await run({ 'a.yml': workflow({ gate: job(steps) }) }, {}, 'net')
    expect(exitCode, log).toBe(0)
    expect(ran.printed()).toContain('state=failed failed=1 total=2')
  })

  it('masks key and token, also for a step that prints the key', async () => {
    const careless = { run: 'set -x; echo "key $KEY"', env: { KEY: '${{ secrets.VERDICT_API_KEY }}' } }
    const { exitCode, ran, log } = await run({ 'a.yml': workflow({ gate: job([gate(), careless]) }) })
    expect(exitCode, log).toBe(0)
    expect(ran.printed()).toContain('key ***')
    expect(log).not.toMatch(/vdt_|eyJ/)
  })

  it('gives each leg of a matrix a run of its own', async () => {
    const suites = suiteFile({ price: NODE_TESTS, other: NODE_TESTS })
    const matrix = { strategy: { matrix: { suite: ['price', 'other'] } } }
    const steps = [gate({ suites: '${{ matrix.suite }}', labels: 'leg' }), TELL]
    const { exitCode, log } = await run({ 'a.yml': workflow({ gate: job(steps, matrix) }), './verdict.yaml': suites })
    expect(exitCode, log).toBe(0)
    const legs = [...(await stage.runsOf('price')), ...(await stage.runsOf('other'))].filter(({ labels }) =>
      labels.includes('leg'),
    )
    expect(legs.map(({ suite, state }) => `${suite} ${state}`)).toEqual(['price passed', 'other passed'])
  })

  it('runs in a reusable workflow, with the secrets of its caller', async () => {
    const called = workflow(
      { gate: job([gate(), TELL]) },
      { workflow_call: { secrets: { VERDICT_API_KEY: { required: true } } } },
    )
    const caller = workflow({ call: { uses: './.github/workflows/gate.yml', secrets: 'inherit' } })
    const { exitCode, ran, log } = await run({ 'gate.yml': called, 'caller.yml': caller })
    expect(exitCode, log).toBe(0)
    expect(ran.printed()).toContain('state=passed failed=0 total=2')
  })

  it('passes with `wait: false` once the run is accepted', async () => {
    const { exitCode, ran, log } = await run({ 'a.yml': workflow({ gate: job([gate({ wait: false }), TELL]) }) })
    expect(exitCode, log).toBe(0)
    expect(ran.printed().some((line) => /^state=(queued|running) /.test(line))).toBe(true)
  })

  it('says to a pull request of a fork why there is no key, and what to do', async () => {
    const on = { event: 'pull_request', payload: FORK, secrets: false }
    const { exitCode, ran } = await run({ 'a.yml': workflow({ gate: job([gate()]) }, 'pull_request') }, on)
    expect(exitCode).toBe(1)
    expect(ran.annotations()[0]).toMatch(/comes from a fork \(them\/shop\)/)
  })

  it('cancels the remote run in `post` when the job is killed', async () => {
    const suites = suiteFile({ endless: { run: 'echo begun; while true; do sleep 1; done' } })
    const started = await start({ 'a.yml': workflow({ gate: job([gate()]) }), './verdict.yaml': suites })
    const [, id = ''] = await started.says(/(run_[0-9a-z]{26})/)
    await stage.wrote(id, 'begun')
    started.cancel()
    await started.ended
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({
      state: 'cancelled',
      reason: { code: 'cancelled_by_user' },
    })
  })

  it.each([
    '$(touch pwned)',
    '`touch pwned`',
    '"; touch pwned; "',
    "'",
    '%PATH%',
    '雪 ü',
    'line 1\nline 2',
    '$HOME ${HOME}',
  ])('carries %j through a variable as it is', async (value) => {
    const check = 'test "$(printf %s "$VALUE" | od -An -v -tx1 | tr -d " \\n")" = "$HEX"'
    const suites = suiteFile({ same: { run: check, variables: { VALUE: '', HEX: '' } } })
    // An input has lines of KEY=value: a value of several lines cannot stand in it, and is said to be none.
    const oneLine = !value.includes('\n')
    const variables = `VALUE=${value}\nHEX=${Buffer.from(value).toString('hex')}`
    const steps = [gate({ variables }), { run: 'test ! -e pwned' }]
    const { exitCode, log } = await run({ 'a.yml': workflow({ gate: job(steps) }), './verdict.yaml': suites })
    expect(exitCode, log).toBe(oneLine ? 0 : 1)
    if (!oneLine) expect(log).toMatch(/line 2 of `variables` is not KEY=value/)
  })
})
