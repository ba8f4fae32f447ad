import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DefinitionInput } from '../../contract/suites.ts'
import { RunnerError } from '../../worker/runner/runner.ts'
import { packedTree } from '../support/packed-tree.ts'
import { jobOf } from '../support/scripted-work.ts'
import { startWorkerUnderTest, type WorkerUnderTest } from '../support/worker-under-test.ts'

let under: WorkerUnderTest
beforeEach(async () => {
  under = await startWorkerUnderTest()
})
afterEach(() => under.close())

/** Shell that writes a JUnit report. */
function report(cases: string, path = 'report.xml'): string {
  return `cat > ${path} <<'XML'\n<testsuite name="s">${cases}</testsuite>\nXML\n`
}
const PASSING = '<testcase name="adds" classname="cart"/>'
const FAILING = '<testcase name="removes"><failure message="expected 1">at x</failure></testcase>'
const SKIPPED = '<testcase name="later"><skipped/></testcase>'
const ARCHIVE = 'a'.repeat(64)

describe('a suite without a report', () => {
  it('is one case that passes when its command exits with 0', async () => {
    const run = under.work.add(jobOf({ run: 'echo hello' }))
    expect(await run.ended()).toEqual({
      outcome: { results: { total: 1, passed: 1, failed: 0, skipped: 0, errored: 0, flaky: 0 }, reason: null },
    })
    expect(run.text).toBe('hello\n')
    expect(run.cases).toMatchObject([{ name: 'smoke', state: 'passed', details: null }])
  })

  it('is one case that fails, with its last lines, when its command does not', async () => {
    const run = under.work.add(jobOf({ run: 'echo no such host; exit 3' }))
    const { outcome } = await run.ended()
    expect(outcome?.results).toMatchObject({ total: 1, failed: 1 })
    expect(outcome?.reason).toEqual({ code: 'command_failed', message: 'The command exited with code 3.' })
    expect(run.cases).toMatchObject([{ name: 'smoke', state: 'failed', details: 'no such host' }])
  })
})

describe('a suite with a report', () => {
  const verdicts: [string, Partial<DefinitionInput> & { run: string }, string | null, RegExp | null][] = [
    ['passes with passed cases', { run: report(PASSING) }, null, null],
    ['fails with a failed case', { run: report(PASSING + FAILING) }, 'tests_failed', /1 of 2 tests failed: removes/],
    ['fails with a failed case, whatever the exit code', { run: `${report(FAILING)}exit 0` }, 'tests_failed', /1 of 1/],
    ['fails by its exit code though no case failed', { run: `${report(PASSING)}exit 2` }, 'command_failed', /code 2/],
    ['has no tests when all were skipped', { run: report(SKIPPED) }, 'no_tests', /skipped/],
    ['has no tests when the report is empty of them', { run: report('') }, 'no_tests', /no test/],
    ['has no report when none was written', { run: 'true' }, 'report_missing', /no file that matches report\.xml/],
    ['hears which file may be meant', { run: report(PASSING, 'junit.xml') }, 'report_missing', /There is: junit\.xml/],
    ['has an invalid report when it is an empty file', { run: ': > report.xml' }, 'report_invalid', /report\.xml/],
    [
      'has an invalid report when it is cut off',
      { run: 'echo "<testsuite><testcase" > report.xml' },
      'report_invalid',
      /report\.xml/,
    ],
    [
      'has an invalid report when it is a bomb',
      {
        run: `cat > report.xml <<'X'\n<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><testsuite><testcase name="&c;"/>\nX\n`,
      },
      'report_invalid',
      /report\.xml/,
    ],
    ['has too large a report', { run: 'head -c 60000000 /dev/zero > report.xml' }, 'report_too_large', /50 MB/],
    [
      'does not read a report that is a link',
      { run: `${report(PASSING, 'real.xml')}ln -s real.xml report.xml` },
      'report_missing',
      /report\.xml is a link/,
    ],
    ['does not read a report that is a FIFO', { run: 'mkfifo report.xml' }, 'report_missing', /not a regular file/],
    [
      'fails by its command before the missing report',
      { run: 'exit 9' },
      'command_failed',
      /code 9 and left no report/,
    ],
  ]
  it.each(verdicts)('%s', async (_, definition, code, message) => {
    const run = under.work.add(jobOf({ report: 'report.xml', ...definition }))
    const { outcome } = await run.ended()
    expect(outcome?.reason?.code ?? null).toBe(code)
    if (message) expect(outcome?.reason?.message).toMatch(message)
  })

  it('merges all files that a glob means and sends cases in blocks of 500', async () => {
    const many = `for i in $(seq 1200); do echo "<testcase name='case $i'/>"; done`
    const command = `mkdir -p out/a; (echo '<testsuite>'; ${many}; echo '</testsuite>') > out/a/TEST-1.xml\n${report(PASSING, 'out/TEST-2.xml')}`
    const run = under.work.add(jobOf({ run: command, report: 'out/**/TEST-*.xml' }))
    expect((await run.ended()).outcome?.results).toMatchObject({ total: 1201, passed: 1201 })
    expect(run.blocks).toEqual([500, 500, 201])
  })

  it('does not take a report for its own that came with the tree, and leaves it there', async () => {
    const old = `<testsuite name="s">${PASSING}</testsuite>`
    const run = jobOf({ run: 'cat report.xml', report: 'report.xml', archive: ARCHIVE })
    under.work.archives.set(run.lease.run, await packedTree({ 'report.xml': old }))
    const recorded = under.work.add(run)
    const { outcome } = await recorded.ended()
    expect(outcome?.reason?.code).toBe('report_missing')
    expect(outcome?.reason?.message).toContain('report.xml is from before they ran')
    expect(recorded.text).toContain(old)
  })

  it('takes a report that was there when the tests write it anew', async () => {
    const job = jobOf({ run: report(PASSING), report: 'report.xml', archive: ARCHIVE })
    under.work.archives.set(job.lease.run, await packedTree({ 'report.xml': `<testsuite>${FAILING}</testsuite>` }))
    expect((await under.work.add(job).ended()).outcome?.reason).toBe(null)
  })
})

describe('setup', () => {
  it('runs first, in the same folder, and says how long it took', async () => {
    const run = under.work.add(jobOf({ setup: 'echo ready > state', run: 'cat state' }))
    expect((await run.ended()).outcome?.reason).toBe(null)
    expect(run.text).toMatch(/^\[verdict\] setup took .+\nready\n$/)
  })

  it('that fails is no failed test: the reason has its exit code and last lines, and no command is run', async () => {
    const run = under.work.add(jobOf({ setup: 'echo one; echo ENOENT lockfile >&2; exit 4', run: 'echo never' }))
    const { outcome } = await run.ended()
    expect(outcome?.results).toBe(null)
    expect(outcome?.reason?.code).toBe('setup_failed')
    expect(outcome?.reason?.message).toMatch(/code 4.*Its last lines: one \| ENOENT lockfile/)
    expect(run.text).not.toContain('never')
  })
})

describe('the tree and the environment', () => {
  it('unpacks the tree and gives what the wire promises, variables and secrets, and nothing of the worker', async () => {
    const job = jobOf(
      { run: 'cat src/hello.txt; env | sort', archive: ARCHIVE },
      {
        variables: { TARGET: 'staging' },
        secrets: { TOKEN: 'ab' },
        commit: 'c0ffee',
        branch: 'main',
        pullRequest: '7',
      },
    )
    under.work.archives.set(job.lease.run, await packedTree({ 'src/hello.txt': 'hello\n' }))
    const run = under.work.add(job)
    await run.ended()
    const names = run.text.split('\n').map((line) => line.replace(/=.*/, ''))
    expect(run.text).toContain('hello\n')
    for (const line of [
      'TZ=UTC',
      'LANG=C.UTF-8',
      'CI=true',
      `VERDICT_RUN_ID=${job.lease.run}`,
      'VERDICT_ATTEMPT=1',
      'VERDICT_SUITE=smoke',
      'VERDICT_COMMIT=c0ffee',
      'VERDICT_BRANCH=main',
      'VERDICT_PULL_REQUEST=7',
      'TARGET=staging',
      'TOKEN=ab',
    ])
      expect(run.text.split('\n')).toContain(line)
    const known = [
      'hello',
      '',
      'CI',
      'HOME',
      'LANG',
      'PATH',
      'PWD',
      'OLDPWD',
      'SHLVL',
      '_',
      'TARGET',
      'TMPDIR',
      'TOKEN',
      'TZ',
    ]
    expect(names.filter((name) => !known.includes(name) && !name.startsWith('VERDICT_'))).toEqual([])
  })

  it('ends a run whose files are gone by the fault of the service', async () => {
    const { outcome } = await under.work.add(jobOf({ run: 'true', archive: ARCHIVE })).ended()
    expect(outcome?.reason?.code).toBe('archive_lost')
  })

  it('ends a run whose files are damaged by the fault of the service', async () => {
    const job = jobOf({ run: 'true', archive: ARCHIVE })
    under.work.archives.set(job.lease.run, (await packedTree({ a: 'b' })).subarray(0, 30))
    expect((await under.work.add(job).ended()).outcome?.reason?.code).toBe('archive_lost')
  })

  const refused: [string, Record<string, string>, RegExp][] = [
    ['a reserved name', { LD_PRELOAD: 'x' }, /LD_PRELOAD is reserved/],
    ['a NUL', { A: 'x\0y' }, /value of A holds a NUL/],
    ['too long a value', { A: 'x'.repeat(140_000) }, /value of A is over 128 kB/],
    [
      'too much together',
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`A${i}`, 'x'.repeat(60_000)])),
      /over 1 MB/,
    ],
    ['what is no name', { 'A-B': 'x' }, /"A-B" is not the name/],
  ]
  it.each(refused)('refuses variables with %s', async (_, variables, message) => {
    const { outcome } = await under.work.add(jobOf({ run: 'true' }, { variables })).ended()
    expect(outcome?.reason).toMatchObject({ code: 'setup_failed', message: expect.stringMatching(message) })
  })
})

describe('artifacts', () => {
  it('are handed in by their globs; a report among them has its secrets masked', async () => {
    const job = jobOf(
      {
        run: `mkdir -p shots/b; echo 1 > shots/a.png; echo 2 > shots/b/c.png; echo 3 > other; ${report(PASSING)}echo "<!-- $TOKEN -->" >> report.xml`,
        report: 'report.xml',
        artifacts: ['shots', '*.xml'],
      },
      { secrets: { TOKEN: 'hunter2hunter2' } },
    )
    const run = under.work.add(job)
    expect((await run.ended()).outcome?.reason).toBe(null)
    expect([...run.artifacts.keys()]).toEqual(['report.xml', 'shots/a.png', 'shots/b/c.png'])
    expect(run.artifacts.get('shots/b/c.png')?.toString()).toBe('2\n')
    expect(run.artifacts.get('report.xml')?.toString()).toContain('<!-- *** -->')
  })

  it('are kept of a run that failed, and said to have no room when the server has none', async () => {
    under.work.artifactAnswer = 'no_room'
    const run = under.work.add(jobOf({ run: 'echo 1 > a; exit 1', artifacts: 'a' }))
    expect((await run.ended()).outcome?.reason?.code).toBe('command_failed')
    expect(run.text).toContain('[verdict] the server has no room for artifacts')
  })
})

describe('secrets', () => {
  it('are masked in the log, the cases and the reason, also in pieces and encoded', async () => {
    const secret = 'p@ss/word & more'
    const shell = [
      'echo "is $TOKEN"; for c in p@ ss/wo "rd & more"; do printf "%s" "$c"; sleep 0.05; done; echo',
      'printf "%s" "$TOKEN" | base64',
      `cat > report.xml <<XML\n<testsuite><testcase name="with $NAME"><failure message="got $NAME">$NAME</failure></testcase></testsuite>\nXML`,
    ].join('\n')
    const escaped = 'p@ss/word &amp; more'
    const job = jobOf({ run: shell, report: 'report.xml' }, { secrets: { TOKEN: secret, NAME: escaped } })
    const run = under.work.add(job)
    const { outcome } = await run.ended()
    const all = JSON.stringify([run.text, run.cases, outcome])
    expect(outcome?.reason).toMatchObject({ code: 'tests_failed', message: '1 of 1 test failed: with ***' })
    expect(run.cases).toMatchObject([{ name: 'with ***', message: 'got ***', details: '***' }])
    expect(run.text).toMatch(/^is \*\*\*\n\*\*\*\n\*\*\*/)
    expect(all).not.toContain('word')
    expect(all).not.toContain(Buffer.from(secret).toString('base64').slice(0, 12))
  })
})

describe('faults of the service', () => {
  it('are told as sandbox_failed when the runner cannot open a folder', async () => {
    const broken = await startWorkerUnderTest({
      runner: (real) => ({ ...real, open: () => Promise.reject(new RunnerError('no room for folders')) }),
    })
    const { outcome } = await broken.work.add(jobOf({ run: 'true' })).ended()
    expect(outcome).toEqual({ results: null, reason: { code: 'sandbox_failed', message: 'no room for folders' } })
    await broken.close()
  })

  it('are told as internal, with the cause in the log of the worker only, when something unexpected breaks', async () => {
    const broken = await startWorkerUnderTest({
      runner: (real) => ({ ...real, open: () => Promise.reject(new TypeError('x is undefined')) }),
    })
    const { outcome } = await broken.work.add(jobOf({ run: 'true' })).ended()
    expect(outcome?.reason?.code).toBe('internal')
    expect(outcome?.reason?.message).not.toContain('undefined')
    expect(broken.logged.filter((line) => line.startsWith('a run could not be executed'))).toHaveLength(1)
    await broken.close()
  })

  it("are the suite's when it ran into a limit", async () => {
    const limited = await startWorkerUnderTest({
      runner: (real) => ({
        ...real,
        async open(options) {
          const folder = await real.open(options)
          const limit = { code: 'memory_limit', message: 'The memory limit of 2 GiB was reached.' } as const
          return {
            path: folder.path,
            seenAs: folder.seenAs,
            handOver: () => folder.handOver(),
            close: () => folder.close(),
            execute: async (command) => ({ ...(await folder.execute(command)), limit }),
          }
        },
      }),
    })
    const run = limited.work.add(
      jobOf({ run: `${report(FAILING)}exit 1`, report: 'report.xml', artifacts: 'report.xml' }),
    )
    const { outcome } = await run.ended()
    expect(outcome?.reason).toEqual({ code: 'memory_limit', message: 'The memory limit of 2 GiB was reached.' })
    expect(run.artifacts.size).toBe(1)
    await limited.close()
  })
})

describe('places in a report', () => {
  it('are relative to the folder of the run as its commands see it', async () => {
    const command =
      "echo \"<testsuite><testcase name='a' file='$PWD/src/a.test.js' line='3'/></testsuite>\" > report.xml"
    const run = under.work.add(jobOf({ run: command, report: 'report.xml' }))
    await run.ended()
    expect(run.cases).toMatchObject([{ file: 'src/a.test.js', line: 3 }])
  })
})
