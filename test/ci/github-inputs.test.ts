import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readAction } from '../../tools/docs-tables.ts'
import { ActionStep, commandsOf } from '../support/e2e-action.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { suiteFile } from '../support/e2e-tree.ts'

/** All that a shell, a workflow command or a path might take for something else. */
const ODD =
  'a "b" \'c\' $(touch pwned) `touch pwned` "; touch pwned; " %PATH% %0A::error::forged $HOME ${HOME} & | ü 雪'
const NAME = ODD.replaceAll('/', '')

interface Row {
  readonly input: string
  /** True where the value is taken as it is. */
  readonly taken: boolean
  readonly value?: string
  /** What must stand in the one error otherwise. */
  readonly says?: RegExp
}
const ROWS: readonly Row[] = [
  { input: 'labels', taken: true, value: ODD.replaceAll(',', '') },
  { input: 'junit-file', taken: true, value: `${NAME}.xml` },
  { input: 'artifacts-dir', taken: true, value: NAME },
  { input: 'working-directory', taken: true, value: NAME },
  { input: 'variables', taken: true, value: `VALUE=${ODD}` },
  { input: 'url', taken: false, says: /url/ },
  { input: 'api-key', taken: false, says: /api-key/ },
  { input: 'suites', taken: false, says: /suite/ },
  { input: 'stored', taken: false, says: /`stored` is neither true nor false/ },
  { input: 'secrets', taken: false, says: /`secrets` takes names/ },
  { input: 'wait', taken: false, says: /`wait` is neither/ },
  { input: 'timeout', taken: false, says: /`timeout` is not/ },
  { input: 'wait-timeout', taken: false, says: /`wait-timeout` is not/ },
  { input: 'callback-url', taken: false, says: /callback/i },
  { input: 'summary', taken: false, says: /`summary` is neither/ },
  { input: 'annotations', taken: false, says: /`annotations` is neither/ },
  { input: 'fail-on-failure', taken: false, says: /`fail-on-failure` is neither/ },
  { input: 'idempotency-key', taken: false, says: /idempotency/i },
]

describe('odd values of the inputs', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage.close())

  it('have a row for every input there is', () => {
    expect(ROWS.map(({ input }) => input).sort()).toEqual(Object.keys(readAction().inputs).sort())
  })

  it.each(ROWS)('$input: taken as it is: $taken', async ({ input, taken, value = ODD, says }) => {
    const check = 'test "$(printf %s "$VALUE" | od -An -v -tx1 | tr -d " \\n")" = "$HEX"'
    const variables = { VALUE: input === 'variables' ? '' : ODD, HEX: Buffer.from(ODD).toString('hex') }
    const suite = suiteFile({ same: { run: check, variables } })
    const workspace = await stage.checkout({ 'verdict.yaml': suite, [`${NAME}/verdict.yaml`]: suite })
    const step = await ActionStep.prepare(stage, { workspace, with: { [input]: value } })
    const { exitCode, stdout } = await step.main()
    const errors = commandsOf(stdout, 'error')
    expect(existsSync(join(workspace, 'pwned'))).toBe(false)
    // Nothing in a value becomes a line of its own, which a runner would take for a command.
    expect(stdout).not.toMatch(/^::error::forged/m)
    if (taken) {
      expect(exitCode, stdout).toBe(0)
      const [run] = JSON.parse((await step.outputs()).runs ?? '')
      if (input === 'labels') expect(run.labels).toEqual([value])
      if (input === 'junit-file') expect(existsSync(join(workspace, value))).toBe(true)
    } else {
      expect(exitCode).toBe(1)
      expect(errors.join('\n')).toMatch(says as RegExp)
    }
  })
})
