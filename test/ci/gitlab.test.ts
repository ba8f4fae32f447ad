import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { CI_ENVIRONMENTS } from '../gate/ci-environments.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { type Ended, TestProcess } from '../support/e2e-process.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { commitAll, git, suiteFile } from '../support/e2e-tree.ts'
import { temporaryFolder } from '../support/folder.ts'
import { NASTY_VALUES } from './nasty-values.ts'
import { EXAMPLES } from './recipes.ts'

const skipped = skipReason('gitlab-ci-local', 'curl', 'rsync', 'sha256sum')

describe.skipIf(skipped !== '')(`GitLab's component, run by gitlab-ci-local${skipped}`, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage?.close())

  /** A checkout that includes the component, by the example itself or with inputs of its own. */
  async function project(suites: Readonly<Record<string, object>>, inputs?: Readonly<Record<string, string>>) {
    const cwd = await stage.checkout({ 'verdict.yaml': suiteFile(suites), '.gitignore': '.gitlab-ci-local/\n' })
    await cp(`${EXAMPLES}gitlab`, cwd, { recursive: true })
    if (inputs) {
      const config = { include: [{ local: 'templates/verdict.yml', inputs }] }
      await writeFile(join(cwd, '.gitlab-ci.yml'), stringify(config))
    }
    await git(cwd, 'remote', 'add', 'origin', 'git@gitlab.example.com:acme/shop.git')
    await commitAll(cwd, 'Add the gate')
    return cwd
  }

  async function pipeline(cwd: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const variables = { VERDICT_URL: stage.url, VERDICT_API_KEY: stage.key, ...env }
    const home = temporaryFolder('verdict-gitlab-')
    await writeFile(join(home, 'variables.yml'), stringify(variables))
    const command = new TestProcess({
      program: process.execPath,
      args: [ciTool('gitlab-ci-local'), '--force-shell-executor', '--variables-file', join(home, 'variables.yml')],
      cwd,
      env: { HOME: home, TMPDIR: home, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
    })
    stage.leaks.output('the log of a pipeline', () => command.stdout + command.stderr)
    return command.ended
  }

  it('passes when the tests pass, with the JUnit file where its report is', async () => {
    const cwd = await project({ unit: { run: 'true' }, 'smoke-a': { run: 'true' }, other: { run: 'false' } })
    const ended = await pipeline(cwd)
    expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0)
    expect(ended.stdout).toMatch(/PASS {2}verdict/)
    const [run] = await stage.runsOf('unit')
    expect(run?.ci).toMatchObject({
      provider: 'gitlab',
      branch: 'main',
      repository: expect.stringContaining('acme/shop'),
    })
    expect(await stage.runsOf('other')).toEqual([])
    expect(await readFile(join(cwd, 'verdict.xml'), 'utf8')).toMatch(/name="smoke-a" tests="1" failures="0"/)
  })

  it('fails when the tests fail', async () => {
    const ended = await pipeline(await project({ unit: { run: 'false' }, 'smoke-a': { run: 'true' } }))
    expect(ended.stdout).toMatch(/FAIL {2}verdict/)
    expect(ended.exitCode).not.toBe(0)
  })

  it('tells a merge request by the number that people see', async () => {
    const merge = CI_ENVIRONMENTS.find((one) => one.system === 'GitLab CI' && one.build === 'pull request')
    const ours = Object.fromEntries(
      Object.entries(merge?.env ?? {}).filter(([name]) => name.startsWith('CI_MERGE_REQUEST')),
    )
    const ended = await pipeline(await project({ merge: { run: 'true' } }, { suites: 'merge' }), ours)
    expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0)
    const [run] = await stage.runsOf('merge')
    expect(run?.ci).toMatchObject({ pullRequest: '12', branch: 'topic', baseBranch: 'main' })
  })

  it('says what is missing: the key', async () => {
    const ended = await pipeline(await project({ unit: { run: 'true' } }, {}), { VERDICT_API_KEY: '' })
    expect(ended.stdout + ended.stderr).toMatch(/VERDICT_API_KEY is set but empty/)
    expect(ended.stdout).toMatch(/FAIL {2}verdict/)
  })

  it.each(NASTY_VALUES)('takes no input for a command: %s', async (_, value) => {
    const cwd = await project({ unit: { run: 'true' } }, { suites: value, timeout: value })
    const before = await readdir(cwd)
    const ended = await pipeline(cwd)
    expect(ended.stdout, ended.stderr).toMatch(/FAIL {2}verdict/)
    expect(ended.stdout + ended.stderr).toMatch(/--timeout/)
    expect((await readdir(cwd)).filter((name) => !before.includes(name) && name !== '.gitlab-ci-local')).toEqual([])
  })
})
