// `npm test`: types, lint, dead code, bundles, then every test, counted by the runner's own report. A case that needs a tool
// which is not on this machine is skipped and named at the end; with VERDICT_TEST_FORBID_SKIPS=1 that is a failure. What tests
// leave in their temporary folder is a failure, too.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Report {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numFailedTestSuites: number
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { status: string; fullName: string }[]
  }[]
}

const root = fileURLToPath(new URL('..', import.meta.url))
const forbidSkips = process.env.VERDICT_TEST_FORBID_SKIPS === '1'
const steps: [string, string, string[]][] = [
  ['types', 'tsc', ['-p', 'tsconfig.json']],
  ['lint', 'biome', ['check', '--error-on-warnings', '.']],
  ['dead code', 'knip', []],
  ['bundles', 'node', ['tools/bundle.ts']],
]

for (const [name, program, args] of steps) {
  console.log(`== ${name}`)
  const { status } = spawnSync(`node_modules/.bin/${program}`, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    console.error(`${name}: failed`)
    process.exit(1)
  }
}

console.log('== tests')
const file = `${root}build/test-report.json`
mkdirSync(`${root}build`, { recursive: true })
// A short name, for the sockets in it, and open to all as the system's own is: suites run as users of their own.
const temporary = mkdtempSync(join(tmpdir(), 'vt-'))
chmodSync(temporary, 0o1777)
const vitest = spawnSync(
  'node_modules/.bin/vitest',
  ['run', '--reporter=default', '--reporter=json', `--outputFile=${file}`, ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TMPDIR: temporary, TEMP: temporary },
    shell: process.platform === 'win32',
  },
)
const left = readdirSync(temporary)
rmSync(temporary, { recursive: true, force: true, maxRetries: 3 })
const report = JSON.parse(readFileSync(file, 'utf8')) as Report
const skipped = report.testResults.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status === 'pending' || status === 'skipped' || status === 'todo')
    .map(({ fullName }) => `${name.slice(root.length)}: ${fullName}`),
)
if (skipped.length > 0)
  console.log(`\nSkipped, each with its reason in its name:\n${skipped.map((line) => `- ${line}`).join('\n')}`)
if (left.length > 0)
  console.error(
    `\nTests left behind in their temporary folder (make folders with test/support/folder.ts): ${left.join(', ')}`,
  )
const failed = report.numFailedTests + (forbidSkips ? skipped.length : 0)
console.log(
  `\n${report.numPassedTests} passed, ${failed} failed${skipped.length > 0 && !forbidSkips ? `, ${skipped.length} skipped` : ''}`,
)
process.exit(vitest.status !== 0 || failed > 0 || left.length > 0 || report.numPassedTests === 0 ? 1 : 0)
