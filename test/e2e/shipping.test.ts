import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { BASICS } from '../support/e2e-process.ts'
import { CLI, CLI_FOLDER, openStage, type Stage } from '../support/e2e-stage.ts'
import { shop } from '../support/e2e-tree.ts'

const exec = promisify(execFile)
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(() => stage?.close())

describe('the CLI', () => {
  it('that the server serves is the one that was built, with its checksum', async () => {
    const served = Buffer.from(await (await fetch(`${stage.url}/cli/verdict.mjs`)).arrayBuffer())
    expect(served.equals(await readFile(CLI))).toBe(true)
    const sum = await (await fetch(`${stage.url}/cli/verdict.mjs.sha256`)).text()
    expect(sum).toBe(`${createHash('sha256').update(served).digest('hex')}  verdict.mjs\n`)
    // As a build does it that has nothing but Node.
    const folder = await stage.newFolder()
    await writeFile(join(folder, 'verdict.mjs'), served)
    const { stdout } = await exec(process.execPath, ['verdict.mjs', '--version'], { cwd: folder, env: BASICS })
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('installs from its package, without network, and runs', { timeout: 60_000 }, async () => {
    const folder = await stage.newFolder()
    const env = {
      ...BASICS,
      HOME: folder,
      npm_config_cache: join(folder, 'cache'),
      npm_config_update_notifier: 'false',
    }
    const packed = await exec(npm, ['pack', CLI_FOLDER, '--json', '--pack-destination', folder], { cwd: folder, env })
    const { filename, files } = packedOf(packed.stdout)
    expect(files).toEqual(['licenses.txt', 'package.json', 'verdict.mjs'])
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
    await exec(npm, ['install', `./${filename}`, '--offline', '--no-audit', '--no-fund'], { cwd: folder, env })
    const program = join(folder, 'node_modules/.bin/verdict')
    expect((await exec(program, ['--version'], { cwd: folder, env })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const checkout = await stage.tree(shop())
    const of = { ...env, VERDICT_URL: stage.url, VERDICT_API_KEY: stage.key }
    const { stdout, stderr } = await exec(program, ['run'], { cwd: checkout, env: of })
    stage.leaks.output('the output of the installed CLI', () => stdout + stderr)
    expect(stdout).toMatch(/price passed/)
  })

  const others = otherNodes()
  it.skipIf(others.length === 0)(
    others.length > 0
      ? `runs on every other Node of this machine (${others.map(({ version }) => version).join(', ')})`
      : 'runs on another Node (skipped: this machine has no other Node from 20 on)',
    async () => {
      for (const { program } of others) {
        const [good, bad] = [await stage.tree(shop()), await stage.tree(shop('net'))]
        const passed = await stage.verdict(['run'], { cwd: good, node: program })
        expect(passed.exitCode, passed.stderr).toBe(0)
        const failed = await stage.verdict(['run', '--junit-file', 'junit.xml'], { cwd: bad, node: program })
        expect(failed.exitCode, failed.stderr).toBe(1)
        const report = await stage.verdict(['report', 'junit.xml'], { cwd: bad, node: program })
        expect(report.exitCode, report.stderr).toBe(1)
      }
    },
  )
})

describe('`verdict report`', () => {
  it.each([
    { what: 'a green report', xml: '<testsuite><testcase name="a"/></testsuite>', exitCode: 0, says: /passed/ },
    {
      what: 'a red one',
      xml: '<testsuite><testcase name="adds up"><failure message="1 is not 2"/></testcase></testsuite>',
      exitCode: 1,
      says: /adds up[\s\S]*1 is not 2/,
    },
    { what: 'an empty one', xml: '<testsuites/>', exitCode: 1, says: /no test/i },
    { what: 'one that is no XML', xml: 'Tests: 3 passed', exitCode: 1, says: /report\.xml/ },
  ])('says what it makes of $what, with no server and no key', async ({ xml, exitCode, says }) => {
    const cwd = await stage.newFolder()
    await writeFile(join(cwd, 'report.xml'), xml)
    const env = { VERDICT_URL: '', VERDICT_API_KEY: '' }
    const ended = await stage.verdict(['report', 'report.xml'], { cwd, env })
    expect(ended.exitCode, ended.stderr).toBe(exitCode)
    expect(ended.stdout).toMatch(says)
    const json = await stage.verdict(['report', 'report.xml', '--json'], { cwd, env })
    expect(json.exitCode).toBe(exitCode)
    expect(Object.keys(JSON.parse(json.stdout))).toEqual(['state', 'reason', 'results', 'cases'])
  })

  it('names a file that is not there', async () => {
    const ended = await stage.verdict(['report', 'gone.xml'])
    expect(ended.exitCode).toBe(2)
    expect(ended.stderr).toMatch(/gone\.xml: there is no such file/)
  })
})

/** `npm pack --json` answers a list, and from npm 12 on an object by package. */
function packedOf(json: string): { filename: string; files: string[] } {
  const answer: unknown = JSON.parse(json)
  const [packed] = Object.values(answer as Record<string, { filename: string; files: { path: string }[] }>)
  if (!packed) throw new Error(`npm pack answered nothing: ${json}`)
  return { filename: packed.filename, files: packed.files.map(({ path }) => path).sort() }
}

/** Every `node` on PATH of another version than this one that the CLI promises to run on. */
function otherNodes(): { program: string; version: string }[] {
  const found = new Map<string, string>()
  for (const folder of (BASICS.PATH ?? '').split(delimiter)) {
    const program = join(folder, process.platform === 'win32' ? 'node.exe' : 'node')
    if (!existsSync(program)) continue
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim()
    if (Number(/\d+/.exec(version)?.[0]) >= 20 && version !== process.version && !found.has(version))
      found.set(version, program)
  }
  return [...found].map(([version, program]) => ({ program, version }))
}
