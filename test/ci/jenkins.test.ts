import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readJUnit } from '../../report/junit-read.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import { TestProcess } from '../support/e2e-process.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { NODE_TESTS, shop, suiteFile } from '../support/e2e-tree.ts'

const shim = fileURLToPath(new URL('../../jenkins-plugin-shim/', import.meta.url))
const reason = skipReason('jenkins-pipeline-unit', 'mvn', 'curl')

/** Every test of the Groovy sources, by class: those of VerdictSteps run twice. */
function groovyTests(): [suite: string, name: string][] {
  const namesIn = (file: string) => {
    const text = readFileSync(join(shim, 'src/test/groovy', file), 'utf8')
    return [...text.matchAll(/@Test\n {2}void '([^\n]+)'\(\)/g)].map(([, name = '']) => name)
  }
  const steps = namesIn('VerdictSteps.groovy')
  return Object.entries({ PlainTest: steps, CpsTest: steps, InputTest: namesIn('InputTest.groovy') }).flatMap(
    ([suite, names]) => names.map((name): [string, string] => [suite, name]),
  )
}

describe.skipIf(reason !== '')(`the Jenkins step, by JenkinsPipelineUnit${reason}`, () => {
  let stage: Stage
  /** What each test said when it failed; undefined for one that did not run. */
  const outcomes = new Map<string, string>()
  let output = ''

  beforeAll(async () => {
    stage = await openStage({ env: { VERDICT_WORKER_SLOTS: '4' } })
    const checkout = await stage.checkout({ ...shop(), ...SUITES })
    const pushed = await stage.suites({ pushed: { run: 'true' } })
    const key = await stage.makeKey('push', '--scopes', 'runs:read,suites:read,suites:write')
    await stage.verdict(['suites', 'push'], { cwd: pushed, env: { VERDICT_API_KEY: key } })
    await rm(join(shim, 'target/surefire-reports'), { recursive: true, force: true })
    const maven = new TestProcess({
      program: ciTool('jenkins-pipeline-unit'),
      args: ['test'],
      cwd: shim,
      env: {
        HOME: stage.folder,
        // Java writes the environment of what it starts in the encoding of its own.
        LC_ALL: 'C.UTF-8',
        JAVA_HOME: process.env.JAVA_HOME,
        // Compiled once and quickly: no code of a test runs long enough to pay for more.
        JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1',
        VERDICT_TEST_URL: stage.url,
        VERDICT_TEST_KEY: stage.key,
        VERDICT_TEST_CHECKOUT: checkout,
        VERDICT_TEST_NODE_FOLDER: dirname(process.execPath),
        VERDICT_TEST_PATH_WITHOUT_NODE: await toolsWithoutNode(join(stage.folder, 'tools')),
      },
    })
    await maven.ended
    output = maven.stdout + maven.stderr
    for (const { name, classname, state, message, details } of readReports()) {
      outcomes.set(`${classname} ${name}`, state === 'passed' ? '' : `${state}: ${message}\n${details}`)
    }
  }, 240_000)
  afterAll(async () => {
    expect(stage.leaks.found()).toEqual([])
    await stage.close()
  })

  it.each(groovyTests())('%s: %s', (suite, name) => {
    const said = outcomes.get(`${suite} ${name}`)
    expect(said, `it did not run; Maven said:\n${output}`).toBeDefined()
    expect(said).toBe('')
  })

  it('ran no test that is not listed here', () => {
    expect([...outcomes.keys()].sort()).toEqual(
      groovyTests()
        .map((one) => one.join(' '))
        .sort(),
    )
  })
})

const SUITES = {
  'broken.test.js': "import { test } from 'node:test'\ntest('breaks', () => { throw new Error('no') })\n",
  'verdict.yaml': suiteFile({
    price: { ...NODE_TESTS, run: `${NODE_TESTS.run} test/` },
    broken: { ...NODE_TESTS, run: `${NODE_TESTS.run} broken.test.js` },
    green: { run: 'true' },
    endless: { run: 'while true; do sleep 1; done' },
    same: {
      run: 'test "$(printf %s "$VALUE" | od -An -v -tx1 | tr -d " \\n")" = "$HEX" && mkdir out && echo 1 > out/a.txt',
      artifacts: ['out/**'],
      variables: { VALUE: '', HEX: '' },
    },
    secret: { run: 'test "$SHOP_TOKEN" = hunter2-hunter2', secrets: ['SHOP_TOKEN'] },
  }),
}

/** What Maven's surefire wrote of this run, read as Verdict reads it. */
function readReports() {
  const folder = join(shim, 'target/surefire-reports')
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.xml')) : []
  return readJUnit(files.map((path) => ({ path, bytes: readFileSync(join(folder, path)) }))).cases
}

/** The folder of an agent that has what verdict.sh needs, and no Node: links to the machine's own programs. */
async function toolsWithoutNode(folder: string): Promise<string> {
  await mkdir(folder)
  for (const path of (process.env.PATH ?? '').split(delimiter).toReversed()) {
    const programs = existsSync(path) ? readdirSync(path) : []
    for (const program of programs.filter((name) => NEEDED.includes(name))) {
      if (!existsSync(join(folder, program))) symlinkSync(join(path, program), join(folder, program))
    }
  }
  return folder
}
const NEEDED =
  'sh awk basename cat curl cut date dirname env grep head mkdir mktemp mv od printenv printf rm sed sha256sum sleep sort tail tr uname wc'.split(
    ' ',
  )
