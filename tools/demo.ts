// `npm run demo`: a real server in a temporary folder, and two builds as a CI system would make them: one whose tests pass,
// and one whose commit breaks the code. It then stays up; `npm run demo -- --exit` ends by itself, with 0 only if both
// builds did what they must.
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BUILDS, type Build, ShopRepository } from './demo-builds.ts'
import { DemoError, DemoProcesses } from './demo-processes.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const CLI = join(root, 'dist/cli/verdict.mjs')
const processes = new DemoProcesses()
const folder = mkdtempSync(join(tmpdir(), 'verdict-demo-'))
const say = (text = '') => void process.stdout.write(`${text}\n`)
/** What any program needs; nothing of the caller's own Verdict or CI system, so that every demo is the same. */
const basics = Object.fromEntries(
  ['PATH', 'SystemRoot', 'TMPDIR', 'TEMP', 'TMP']
    .map((name) => [name, process.env[name]] as const)
    .filter((pair): pair is readonly [string, string] => pair[1] !== undefined),
)

async function startServer(): Promise<string> {
  const dataDir = join(folder, 'server')
  const logFile = join(folder, 'server.log')
  const env = {
    ...basics,
    VERDICT_PORT: '0',
    VERDICT_DATA_DIR: dataDir,
    // Only matters where the sandbox does not work: the server takes the sandbox where it can.
    VERDICT_ALLOW_UNSANDBOXED: '1',
    VERDICT_STOP_GRACE_SECONDS: '0',
    VERDICT_LOG_LEVEL: 'warn',
  }
  const stderr = openSync(logFile, 'w')
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    const server = processes.start({
      program: process.execPath,
      args: [join(root, 'server/main.ts')],
      cwd: folder,
      env,
      stderr,
      onOutput(text) {
        said += text
        const [, address] = /^Verdict \S+ is at (http\S+)/m.exec(said) ?? []
        if (address) resolve(address)
      },
    })
    server.once('error', reject)
    server.once('close', () => reject(new DemoError(`the server ended:\n${readFileSync(logFile, 'utf8')}`)))
  })
  say(`Verdict is at ${url}, with SQLite in ${dataDir}`)
  const { reasons } = (await (await fetch(`${url}/readyz`)).json()) as { reasons: string[] }
  for (const reason of reasons) say(`  ${reason}`)
  if (reasons.some((reason) => /^runner process\b/.test(reason))) {
    say(
      '  The sandbox cannot be used on this machine (Linux with bubblewrap has it), so the demo set\n' +
        '  VERDICT_ALLOW_UNSANDBOXED=1: its suites run as you. Do not do so for code that you do not trust.',
    )
  }
  return url
}

async function verdict(args: readonly string[], cwd: string, env: Record<string, string>, show: boolean) {
  const home = join(folder, 'home')
  mkdirSync(home, { recursive: true })
  return processes.run({
    program: process.execPath,
    args: [CLI, ...args],
    cwd,
    env: { ...basics, HOME: home, CI: 'true', ...env },
    onOutput: show ? (text) => void process.stdout.write(text) : undefined,
  })
}

/** A key as a person makes it for a CI system: by the CLI, with the server's first key. */
async function makeKey(url: string): Promise<string> {
  const firstKey = readFileSync(join(folder, 'server/first-key'), 'utf8').trim()
  say('$ verdict keys create ci')
  const env = { VERDICT_URL: url, VERDICT_API_KEY: firstKey }
  const made = await verdict(['keys', 'create', 'ci'], folder, env, false)
  const key = made.stdout.trim()
  if (made.exitCode !== 0) throw new DemoError(`the key could not be made:\n${made.stderr}`)
  const keyFile = join(folder, 'ci-key')
  writeFileSync(keyFile, `${key}\n`, { mode: 0o600 })
  say(`${key.slice(0, 8)}…, kept in ${keyFile}`)
  return key
}

/** Commits, then does what a build does. Answers whether it ended as it must. */
async function build(index: number, repository: ShopRepository, env: Record<string, string>): Promise<boolean> {
  const { title, commit, exitCode: wanted, junit } = BUILDS[index] as Build
  const hash = await repository.commit(BUILDS[index] as Build)
  const junitFile = join(folder, `build-${index + 1}.xml`)
  say(`\n=== Build ${index + 1}: ${title} (${hash} ${commit})`)
  say(`$ verdict run --junit-file ${junitFile}`)
  const { exitCode } = await verdict(['run', '--junit-file', junitFile], repository.folder, env, true)
  const isRight = exitCode === wanted && existsSync(junitFile) && junit.test(readFileSync(junitFile, 'utf8'))
  say(`exit code ${exitCode}${exitCode === wanted ? ', as it must be' : `, but it must be ${wanted}`}`)
  say(`JUnit file: ${junitFile}${exitCode === wanted && !isRight ? ' (it does not hold what it must)' : ''}`)
  return isRight
}

async function play(): Promise<{ url: string; isRight: boolean }> {
  if (!existsSync(CLI)) throw new DemoError('dist/cli/verdict.mjs is missing: make it with `npm run bundle`')
  const url = await startServer()
  say('\n=== Once: a key for the CI system')
  const key = await makeKey(url)

  const repository = new ShopRepository(join(folder, 'demo-shop'), processes, basics)
  await repository.init()
  const env = { VERDICT_URL: url, VERDICT_API_KEY: key }
  const outcomes: boolean[] = []
  for (const index of BUILDS.keys()) outcomes.push(await build(index, repository, env))

  return { url, isRight: outcomes.every(Boolean) }
}

/** Resolves with what ends the demo from outside. A second signal changes nothing: ending is bounded. */
const interrupted = new Promise<'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal))
  // Nobody reads on: `npm run demo | head`.
  process.stdout.on('error', () => resolve('SIGPIPE'))
})
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 }

async function main(args: readonly string[]): Promise<number> {
  const isWrong = args.some((arg) => arg !== '--exit')
  if (isWrong) throw new DemoError(`the demo knows --exit and nothing else, not ${args.join(' ')}`)
  const ended = await Promise.race([play(), interrupted])
  if (typeof ended === 'string') return EXIT_CODES[ended]
  const { url, isRight } = ended
  if (!isRight) say('\nA build did not do what it must.')
  if (!args.includes('--exit')) {
    say(`\nThe server stays up until you press Ctrl-C: ${url}/docs has the reference of its API. The runs so far:`)
    say(`$ VERDICT_URL=${url} VERDICT_API_KEY="$(cat ${join(folder, 'ci-key')})" node ${CLI} runs`)
    await interrupted
  }
  return isRight ? 0 : 1
}

main(process.argv.slice(2))
  .catch((error: unknown) => {
    console.error(error instanceof DemoError ? `demo: ${error.message}` : error)
    return 1
  })
  .then(async (exitCode) => {
    await processes.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    process.exit(exitCode)
  })
