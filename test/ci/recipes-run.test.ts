import { chmod, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { CI_ENVIRONMENTS } from '../gate/ci-environments.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { TestProcess } from '../support/e2e-process.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { commitAll, suiteFile, writeFiles } from '../support/e2e-tree.ts'
import { NASTY_VALUES } from './nasty-values.ts'
import { EXAMPLES, RECIPES, type Recipe } from './recipes.ts'

const skipped = skipReason('curl', 'bash', 'sha256sum')
const SUITES = { unit: { run: 'true' }, 'smoke-a': { run: 'true' } }
const environmentOf = ({ system }: Recipe, build = 'push') =>
  CI_ENVIRONMENTS.find((one) => one.system === system && one.build === build)

describe.skipIf(skipped !== '')(`the recipes under bash, in each system's environment${skipped}`, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage?.close())

  async function ran(script: string, env: Readonly<Record<string, string>>, cwd: string) {
    const command = new TestProcess({
      program: 'bash',
      args: ['-c', script],
      cwd,
      env: { ...home(), ...env, PATH: nodeFirst(), VERDICT_URL: stage.url, VERDICT_API_KEY: stage.key },
    })
    stage.leaks.output('the log of a recipe', () => command.stdout + command.stderr)
    return command.ended
  }
  /** Temporary folders of a recipe go with its container: here with the stage. */
  const home = () => ({ HOME: stage.folder, TMPDIR: stage.folder })
  const nodeFirst = () => `${dirname(process.execPath)}:${process.env.PATH}`

  describe.each(RECIPES)('for $system', (recipe) => {
    const { facts, env = {} } = environmentOf(recipe) ?? {}
    const script = recipe.script()

    it('pass when the tests pass, with results and the facts of the build', async () => {
      const cwd = await stage.checkout({ 'verdict.yaml': suiteFile(SUITES) })
      const ended = await ran(script, { ...env, ...recipe.env }, cwd)
      expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0)
      const [run] = await stage.runsOf('unit')
      const { provider, branch, buildId } = facts ?? {}
      expect(run?.ci).toMatchObject({ provider, branch, buildId })
      if (recipe.junitFile) expect(await readFile(join(cwd, recipe.junitFile), 'utf8')).toMatch(/smoke-a/)
    })

    it('fail when the tests fail', async () => {
      const cwd = await stage.checkout({ 'verdict.yaml': suiteFile({ ...SUITES, unit: { run: 'false' } }) })
      const ended = await ran(script, { ...env, ...recipe.env }, cwd)
      expect(ended.exitCode, ended.stdout + ended.stderr).toBe(1)
    })

    it('take no value of the environment for a command', async () => {
      const cwd = await stage.checkout({ 'verdict.yaml': suiteFile(SUITES) })
      for (const [what, value] of NASTY_VALUES) {
        const nasty = Object.fromEntries(
          Object.entries(env).map(([name, text]) => [
            name,
            text.replace(/^(refs\/heads\/)?main$/, (_, ref = '') => ref + value),
          ]),
        )
        const ended = await ran(script, { ...nasty, ...recipe.env }, cwd)
        expect([what, ended.exitCode], ended.stdout + ended.stderr).toEqual([what, 0])
        const [run] = await stage.runsOf('unit')
        expect([what, run?.ci.branch]).toEqual([what, value])
        const made = ['.git', 'temp', 'test-results', 'verdict.xml', 'verdict.yaml']
        expect((await readdir(cwd)).filter((name) => !made.includes(name))).toEqual([])
      }
    }, 120_000)
  })

  describe('for a plain shell', () => {
    const shell = (args: readonly string[], cwd: string, path = nodeFirst()) => {
      const command = new TestProcess({
        program: ciTool('sh'),
        args: [`${EXAMPLES}shell.sh`, ...args],
        cwd,
        env: { ...home(), PATH: path, VERDICT_URL: stage.url, VERDICT_API_KEY: stage.key },
      })
      return command.ended
    }

    it('run what its arguments say, as they are', async () => {
      const cwd = await stage.checkout({
        'verdict.yaml': suiteFile({ noted: { run: 'true', variables: { VALUE: '' } } }),
      })
      for (const [what, value] of NASTY_VALUES) {
        const ended = await shell(['noted', '--variable', `VALUE=${value}`], cwd)
        expect([what, ended.exitCode], ended.stderr).toEqual([what, 0])
        const [run] = await stage.runsOf('noted')
        expect([what, run?.variables.VALUE]).toEqual([what, value])
      }
      expect((await readdir(cwd)).sort()).toEqual(['.git', 'verdict.yaml'])
    }, 60_000)

    it('take verdict.sh where there is no Node', async () => {
      const key = await stage.makeKey('pusher', '--scopes', 'suites:write,suites:read')
      const cwd = await stage.newFolder()
      await writeFiles(cwd, { 'verdict.yaml': suiteFile({ stored: { run: 'true' } }) })
      await commitAll(cwd, 'Begin')
      await stage.verdict(['suites', 'push'], { cwd, env: { VERDICT_API_KEY: key } })
      const bin = join(await stage.newFolder(), 'bin')
      await mkdir(bin)
      await writeFiles(bin, { node: '#!/bin/sh\nexit 127\n' })
      await chmod(join(bin, 'node'), 0o755)
      const ended = await shell(['stored'], await stage.newFolder(), `${bin}:${process.env.PATH}`)
      expect([ended.exitCode, ended.stdout], ended.stderr).toEqual([
        0,
        expect.stringContaining('stored passed: 1 tests'),
      ])
    })
  })
})
