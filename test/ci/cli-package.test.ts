import { execFile, spawnSync } from 'node:child_process'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { BASICS, type Ended, TestProcess } from '../support/e2e-process.ts'
import { CLI_FOLDER, openStage, type Stage } from '../support/e2e-stage.ts'
import { shop } from '../support/e2e-tree.ts'

const exec = promisify(execFile)
const program = (name: string) => (process.platform === 'win32' ? `${name}.cmd` : name)
const reason = skipReason('publint')

describe("the CLI's package", { timeout: 60_000 }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage.close())

  it('packs into one tarball that npx runs without network: red is red, green is green', async () => {
    const folder = await stage.newFolder()
    const env = {
      ...BASICS,
      HOME: folder,
      npm_config_cache: join(folder, 'cache'),
      npm_config_update_notifier: 'false',
    }
    await exec(program('npm'), ['pack', CLI_FOLDER, '--pack-destination', folder], { cwd: folder, env })
    const { version } = JSON.parse(await readFile(join(CLI_FOLDER, 'package.json'), 'utf8'))
    const tarball = `./verdict-cli-${version}.tgz`
    const npx = async (cwd: string): Promise<Ended> => {
      await cp(join(folder, tarball), join(cwd, tarball))
      const command = new TestProcess({
        program: program('npx'),
        args: ['--yes', '--offline', tarball, 'run'],
        cwd,
        env: { ...env, VERDICT_URL: stage.url, VERDICT_API_KEY: stage.key },
      })
      stage.leaks.output('the output of npx', () => command.stdout + command.stderr)
      return command.ended
    }
    const good = await npx(await stage.checkout(shop()))
    expect(good.exitCode, good.stderr).toBe(0)
    expect(good.stdout).toMatch(/price passed/)
    const bad = await npx(await stage.checkout(shop('net')))
    expect(bad.exitCode, bad.stderr).toBe(1)
  })

  it.skipIf(reason !== '')(`is what publint wants of a package${reason}`, () => {
    const { status, stdout, stderr } = spawnSync(ciTool('publint'), ['run', CLI_FOLDER, '--strict'], {
      encoding: 'utf8',
    })
    expect(status, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/All good/)
  })
})
