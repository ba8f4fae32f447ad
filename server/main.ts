import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { backup, backupText } from './backup.ts'
import { composeServer } from './compose.ts'
import { composeAdminKey, composeSigningKey } from './compose-commands.ts'
import { type Config, readConfig } from './config.ts'
import { copyText, copyToMongo } from './copy-store.ts'
import { helpText } from './help.ts'

// One program: serve (default), admin-key, rotate-signing-key, backup, copy-store. It owns the process: environment, standard output, signals, exit code.

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const { version } = JSON.parse(readFileSync(root('package.json'), 'utf8')) as { version: string }
/** What follows each command. Never an address of a database: others see what is on a command line. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  serve: [],
  'admin-key': [],
  'rotate-signing-key': [],
  backup: ['FOLDER'],
  'copy-store': [],
}
/** Errors whose message alone is for the operator; all others come with their stack. */
const FOR_OPERATORS = ['ConfigError', 'StartError', 'StoreError', 'BootstrapError', 'VaultError']

async function serve(config: Config): Promise<void> {
  const log = pino({ level: config.logLevel, base: undefined }, pino.destination({ fd: 2, sync: true }))
  const server = await composeServer(config, { version, log, cli: shippedCli(), toolPath: process.env.PATH ?? '' })
  if (server.firstKey !== undefined && config.chosenFirstKey === undefined) {
    console.log(
      `The first API key, shown this once (also in ${config.dataDir}/first-key until it is used):\n\n  ${server.firstKey}\n`,
    )
  }
  const url = await server.start()
  // Before anybody is told that it is up: whoever heard of it may end it.
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      log.info({ signal }, 'stopping: no new work; running suites get their grace')
      server.stop().then(() => process.exit(0), fail)
    })
  }
  console.log(
    config.roles.includes('api')
      ? `Verdict ${version} is at ${url} (reference: ${url}/docs)`
      : `Verdict ${version} delivers the callbacks of ${url}, and listens to nobody`,
  )
  for (const note of server.notes) console.log(`  ${note}`)
}

async function main(args: readonly string[]): Promise<void> {
  const [command = 'serve', ...rest] = args
  if (args.includes('--help') || command === 'help') return console.log(helpText(version))
  if (args.includes('--version')) return console.log(version)
  if (rest.length !== COMMANDS[command]?.length) throw wrongUse(command)
  const { config, warnings } = readConfig(process.env, process.cwd())
  for (const warning of warnings) console.error(`warning: ${warning}`)
  if (command === 'admin-key') return console.log(await composeAdminKey(config))
  if (command === 'rotate-signing-key') {
    const id = await composeSigningKey(config)
    return console.log(`Tokens are signed by ${id} from now on; every token that is out has ended. API keys stay good.`)
  }
  if (command === 'copy-store') {
    const facts = await copyToMongo(config, process.env.VERDICT_COPY_TO, (line) => console.error(line))
    return console.log(copyText(facts))
  }
  if (command === 'backup') return console.log(backupText(await backup(config, rest[0] as string)))
  await serve(config.port === 0 ? { ...config, port: await freePort(config.host) } : config)
}

/** Names the command only: an argument may be an address with a password. */
function wrongUse(command: string): Error {
  const usage = Object.entries(COMMANDS).map(([name, names]) => [name, ...names].join(' '))
  const what = command in COMMANDS ? `That is not how "${command}" is used` : `There is no command "${command}"`
  const hint = command === 'copy-store' ? ' The database is named by VERDICT_COPY_TO, never on the command line.' : ''
  return Object.assign(new Error(`${what}. Commands: ${usage.join(', ')} (--help lists everything).${hint}`), {
    name: 'ConfigError',
  })
}

/** The clients that belong to this server: the CLI, if it was built, and the one for agents without Node. */
function shippedCli() {
  const files = { 'verdict.mjs': root('dist/cli/verdict.mjs'), 'verdict.sh': root('shell/verdict.sh') }
  return Object.fromEntries(
    Object.entries(files)
      .filter(([, file]) => existsSync(file))
      .map(([name, file]) => [name, { file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }]),
  )
}

/** The public URL is in every token, so the port must be known before the server is built. */
async function freePort(host: string): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, host, resolve))
  const { port } = probe.address() as { port: number }
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  return port
}

function fail(error: unknown): void {
  const known = error instanceof Error && FOR_OPERATORS.includes(error.name)
  console.error(known ? `verdict: ${error.message}` : error)
  process.exit(1)
}

main(process.argv.slice(2)).catch(fail)
