import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { PACKED_ORB } from '../../tools/orb.ts'
import { ciTool, skipReason } from '../support/ci-tools.ts'
import type { TestProcess } from '../support/e2e-process.ts'
import { CLI, CLI_FOLDER, openStage, type Stage } from '../support/e2e-stage.ts'
import { NODE_TESTS, STUBBORN, shop, suiteFile } from '../support/e2e-tree.ts'
import { expandedJobs, type Job, readConfig, readOrb } from '../support/orb-expander.ts'
import { type OrbContainer, type RanJob, runJob } from '../support/orb-runner.ts'
import { NASTY_VALUES, NEWLINES } from './nasty-values.ts'

const skipped = skipReason('curl', 'bash', 'dash', 'busybox')
const orb = readOrb(await readFile(PACKED_ORB, 'utf8'))

/** A config that somebody has written, expanded. */
function expanded(config: object, job: string): Job {
  const text = stringify({ version: 2.1, orbs: { verdict: 'your-org/verdict@0.1' }, ...config })
  return expandedJobs(readConfig(text), orb)[job] as Job
}
/** The job of the orb. */
const orbJob = (parameters: object) =>
  expanded({ workflows: { test: { jobs: [{ 'verdict/test': parameters }] } } }, 'verdict/test')
/** The command of the orb in a job where the client is installed. */
const installedJob = (parameters: object) =>
  expanded(
    {
      jobs: { own: { docker: [], steps: [{ 'verdict/test': { install: false, ...parameters } }] } },
      workflows: { test: { jobs: ['own'] } },
    },
    'own',
  )

describe.skipIf(skipped !== '')(`the orb's steps under bash, with a real server${skipped}`, () => {
  let stage: Stage
  let withoutNode: string
  beforeAll(async () => {
    stage = await openStage({ env: { VERDICT_WORKER_SLOTS: '4' } })
    const key = await stage.makeKey('pusher', '--scopes', 'suites:write,suites:read,runs:write,runs:read')
    const pushed = {
      pushed: { run: 'true', variables: { VALUE: '' } },
      other: { run: 'true' },
      stubborn: { run: STUBBORN },
    }
    const cwd = await stage.suites(pushed)
    expect((await stage.verdict(['suites', 'push'], { cwd, env: { VERDICT_API_KEY: key } })).exitCode).toBe(0)
    withoutNode = await pathWithout('node', 'npm')
  })
  afterEach(() => expect(stage.leaks.found()).toEqual([]))
  afterAll(() => stage?.close())

  /** A PATH on which these programs are not. */
  async function pathWithout(...names: string[]): Promise<string> {
    const folder = await stage.newFolder()
    for (const from of ['/bin', '/usr/bin']) {
      for (const name of await readdir(from)) {
        if (!names.includes(name)) await symlink(join(from, name), join(folder, name)).catch(() => {})
      }
    }
    return folder
  }

  /** A PATH with a program of the test's own first. */
  async function program(name: string, script: string): Promise<string> {
    const folder = await stage.newFolder()
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(folder, name), 0o755)
    return `${folder}:${process.env.PATH}`
  }

  async function container(more: Partial<OrbContainer> = {}): Promise<OrbContainer> {
    const base = await stage.newFolder()
    const env = { HOME: base, CIRCLECI: 'true', VERDICT_URL: stage.url, VERDICT_API_KEY: stage.key }
    return { tmp: join(base, 'tmp'), cwd: base, caches: new Map(), ...more, env: { ...env, ...more.env } }
  }

  async function ran(parameters: object, more: Partial<OrbContainer> = {}): Promise<RanJob> {
    const job = await runJob(orbJob(parameters), await container(more))
    stage.leaks.output('the log of a job', () => job.output)
    return job
  }

  it('pass when the tests of this checkout pass, and keep the results', async () => {
    const cwd = await stage.checkout({
      ...shop(),
      'verdict.yaml': suiteFile({ price: { ...NODE_TESTS, artifacts: 'report.xml' } }),
    })
    const job = await ran({ suites: 'price' }, { cwd })
    expect(job.exitCode, job.output).toBe(0)
    expect(job.steps.map(({ name }) => name)).toEqual([
      'Choose the Verdict client',
      'Install the Verdict client',
      'Verdict',
    ])
    expect(job.testResults).toEqual(job.artifacts)
    const [folder = ''] = job.testResults
    expect((await readdir(folder, { recursive: true })).sort()).toEqual([
      'artifacts',
      'artifacts/price',
      'artifacts/price/report.xml',
      'junit.xml',
      'summary.md',
    ])
    expect(await readFile(join(folder, 'junit.xml'), 'utf8')).toMatch(/tests="2" failures="0"/)
  })

  it('fail with the exit code of the gate when the tests fail, and keep the results all the same', async () => {
    const cwd = await stage.checkout(shop('net'))
    const job = await ran({}, { cwd })
    expect(job.exitCode, job.output).toBe(1)
    expect(await readFile(join(job.testResults[0] ?? '', 'junit.xml'), 'utf8')).toMatch(/failures="1"/)
  })

  it('leave no result of an earlier step where the gate fails before it has one', async () => {
    const at = await container()
    expect((await runJob(orbJob({ suites: 'pushed' }), at)).exitCode).toBe(0)
    const job = await runJob(orbJob({ suites: 'nowhere' }), at)
    expect(job.exitCode).toBe(2)
    expect(await readdir(job.testResults[0] ?? '')).toEqual([])
  })

  it('take the client from the cache, if it still is what the server has', async () => {
    const caches = new Map<string, string>()
    const first = await ran({ suites: 'pushed' }, { caches })
    expect([first.exitCode, first.saved.length, first.restored.length], first.output).toEqual([0, 1, 0])
    const second = await ran({ suites: 'pushed' }, { caches })
    expect([second.exitCode, second.saved.length, second.restored.length], second.output).toEqual([0, 0, 1])
    const [[, kept] = ['', '']] = caches
    await writeFile(join(kept, 'verdict.mjs'), 'console.log("forged")')
    const third = await ran({ suites: 'pushed' }, { caches })
    expect([third.exitCode, third.output.includes('forged')]).toEqual([0, false])
  })

  it('refuse a client that has not the digest which the config pins', async () => {
    const digest = createHash('sha256')
      .update(await readFile(CLI))
      .digest('hex')
    expect((await ran({ suites: 'pushed', cli_sha256: digest.toUpperCase() })).exitCode).toBe(0)
    const refused = await ran({ suites: 'pushed', cli_sha256: 'a'.repeat(64) })
    expect([refused.exitCode, refused.output]).toEqual([4, expect.stringContaining(`has the SHA-256 ${digest}`)])
    expect(refused.steps.map(({ name }) => name)).not.toContain('Verdict')
    expect(await ran({ cli_sha256: 'abc' })).toMatchObject({ exitCode: 2 })
  })

  it('install from npm as well', async () => {
    const digest = createHash('sha256')
      .update(await readFile(CLI))
      .digest('hex')
    const from = { suites: 'pushed', install_from: 'npm', npm_package: CLI_FOLDER }
    const job = await ran({ ...from, cli_sha256: digest })
    expect(job.exitCode, job.output).toBe(0)
    const refused = await ran({ ...from, cli_sha256: 'a'.repeat(64) })
    expect([refused.exitCode, refused.output]).toEqual([4, expect.stringContaining('was asked for')])
  })

  it('take verdict.sh where there is no Node, and say so', async () => {
    const env = { PATH: withoutNode }
    const job = await ran({ suites: 'pushed', cache: false }, { env })
    expect(job.exitCode, job.output).toBe(0)
    expect(job.output).toMatch(/There is no Node 20 here: verdict\.sh takes its place/)
    expect(await readdir(job.testResults[0] ?? '')).toEqual(['junit.xml'])
    expect((await ran({ suites: 'pushed other' }, { env })).output).toMatch(/one suite at a time/)
    const npm = await ran({ suites: 'pushed', install_from: 'npm' }, { env })
    expect([npm.exitCode, npm.output]).toEqual([2, expect.stringContaining('install_from npm needs Node 20')])
  })

  it.each([{ shell: ['busybox', 'sh', '-eo', 'pipefail'] }, { shell: ['dash', '-e'] }])(
    'run under $shell, as images without bash have it',
    async ({ shell }) => {
      const [program = '', ...args] = shell
      const job = await ran({ suites: 'pushed' }, { shell: [ciTool(program), ...args] })
      expect(job.exitCode, job.output).toBe(0)
    },
  )

  it('cancel the remote run when the job is cancelled', async () => {
    let verdict: TestProcess | undefined
    const running = ran(
      { suites: 'stubborn' },
      {
        onStart(process, name) {
          if (name === 'Verdict') verdict = process
        },
      },
    )
    await expect.poll(() => verdict, { timeout: 20_000 }).toBeDefined()
    const id = await stage.runOf(verdict as TestProcess)
    await stage.wrote(id, 'begun')
    verdict?.signal('SIGTERM')
    expect((await running).exitCode).toBe(143)
    await expect(stage.client.runs.get(id)).resolves.toMatchObject({ state: 'cancelled' })
  })

  it('pass once the run is accepted with wait: false', async () => {
    const job = await ran({ suites: 'pushed', wait: false })
    expect([job.exitCode, job.testResults, job.artifacts], job.output).toEqual([0, [], []])
  })

  it('give one key the same run', async () => {
    const once = () => ran({ suites: 'pushed', idempotency_key: '%s"\\`' })
    const ids = [await once(), await once()].map(({ output }) => /run_\w+/.exec(output)?.[0])
    expect(ids[0]).toBe(ids[1])
  })

  describe('say what is missing', () => {
    it.each([
      ['no key', {}, { VERDICT_API_KEY: undefined }, 3, /no VERDICT_API_KEY: add it to the project's environment/],
      ['a key of another name', { api_key: 'TEAM_KEY' }, {}, 3, /no TEAM_KEY/],
      ['an empty key, as forks have it', {}, { VERDICT_API_KEY: '' }, 3, /set but empty.*fork/],
      ['no server', {}, { VERDICT_URL: undefined }, 2, /give the parameter url, or add VERDICT_URL/],
      ['no client', { suites: 'pushed', url: 'http://127.0.0.1:9' }, {}, 4, /does not tell the digest/],
      ['no verdict.yaml', {}, {}, 2, /verdict\.yaml/],
      ['a secret that is not there', { suites: 'pushed', secrets: 'NOWHERE' }, {}, 2, /NOWHERE/],
    ] as const)('%s', async (_, parameters, env, exitCode, says) => {
      // A machine that tries again for a minute is not what is tested.
      const job = await ran(parameters, {
        env: { ...env, PATH: await program('curl', `exec ${ciTool('curl')} "$@" --retry 0`) },
      })
      expect([job.exitCode, job.output]).toEqual([exitCode, expect.stringMatching(says)])
    })
  })

  it('take the key from the variable that api_key names, and show it nowhere', async () => {
    const job = await ran(
      { suites: 'pushed', api_key: 'TEAM_KEY' },
      { env: { TEAM_KEY: stage.key, VERDICT_API_KEY: undefined } },
    )
    expect(job.exitCode, job.output).toBe(0)
  })

  it('show no parameter to a careless set -x', async () => {
    const shell = ['bash', '-xeo', 'pipefail']
    const job = await ran({ suites: 'pushed', variables: 'VALUE=c0ffee' }, { shell })
    expect(job.exitCode, job.output).toBe(0)
    expect(job.output).not.toMatch(/vdt_|c0ffee/)
  })

  describe('values', () => {
    it.each(NASTY_VALUES)('with %s arrive as they are', async (_, value) => {
      const at = await container({ cwd: await stage.newFolder() })
      const job = await runJob(
        orbJob({ suites: 'pushed', wait: false, variables: `VALUE=${value}\n`, labels: value }),
        at,
      )
      expect(job.exitCode, job.output).toBe(0)
      const { variables, labels } = await stage.client.runs.get(/run_\w+/.exec(job.output)?.[0] ?? '')
      expect({ variables, labels }).toEqual({ variables: { VALUE: value }, labels: [value] })
      expect(await readdir(at.cwd)).toEqual([])
    })

    it.each(['suites', 'timeout', 'wait_timeout', 'callback_url', 'directory', 'secrets', 'variables'])(
      'that are nasty do no harm as %s',
      async (parameter) => {
        const cwd = await stage.newFolder()
        const at = await container({ cwd })
        expect((await runJob(orbJob({ suites: 'pushed', cache: false }), at)).exitCode).toBe(0)
        for (const [what, value] of [...NASTY_VALUES, NEWLINES]) {
          const job = await runJob(installedJob({ suites: 'pushed', wait: false, [parameter]: value }), at)
          expect([what, job.exitCode], job.output).toEqual([what, 2])
          expect([what, await readdir(cwd)]).toEqual([what, []])
        }
      },
      120_000,
    )

    it.each(['url', 'cli_sha256'])('that are nasty do no harm as %s', async (parameter) => {
      const cwd = await stage.newFolder()
      for (const [what, value] of [...NASTY_VALUES, NEWLINES]) {
        const job = await ran({ suites: 'pushed', [parameter]: value }, { cwd })
        expect([what, job.exitCode, job.output]).toEqual([what, 2, expect.stringMatching(/^verdict: /)])
        expect([what, await readdir(cwd)]).toEqual([what, []])
      }
    })

    it.each([...NASTY_VALUES, NEWLINES])('with %s are given to npm as they are', async (_, value) => {
      const cwd = await stage.newFolder()
      const seen = join(await stage.newFolder(), 'seen')
      const env = { PATH: await program('npm', `for last; do :; done; printf %s "$last" > ${seen}; exit 1`) }
      const job = await ran({ install_from: 'npm', npm_package: value, cache: false }, { cwd, env })
      const isOneWord = !/\s/.test(value)
      expect(job.exitCode, job.output).toBe(isOneWord ? 4 : 2)
      if (isOneWord) expect(await readFile(seen, 'utf8')).toBe(value)
      expect(await readdir(cwd)).toEqual([])
    })

    it('that are nasty do no harm as results_dir', async () => {
      for (const [what, value] of NASTY_VALUES) {
        const cwd = await stage.newFolder()
        const job = await ran({ suites: 'pushed', results_dir: `out/${value}` }, { cwd })
        expect([what, job.exitCode], job.output).toEqual([what, 0])
        expect([what, await readdir(cwd)]).toEqual([what, ['out']])
        expect(await readdir(join(cwd, 'out', value))).toContain('junit.xml')
      }
    }, 120_000)
  })

  it('work in a folder of the checkout', async () => {
    const cwd = await stage.newFolder()
    await mkdir(join(cwd, 'app'))
    await writeFile(join(cwd, 'app/verdict.yaml'), suiteFile({ inside: { run: 'true' } }))
    const job = await ran({ directory: 'app', results_dir: 'results' }, { cwd })
    expect(job.exitCode, job.output).toBe(0)
    expect(await readdir(cwd)).toEqual(['app', 'results'])
  })
})
