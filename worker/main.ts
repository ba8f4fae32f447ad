import { join } from 'node:path'
import { pino } from 'pino'
import { createCaller, systemClock, systemRandom } from '../client/index.ts'
import { VERSION } from '../contract/version.ts'
import { settingsHelp } from '../settings/read.ts'
import { nodeTransport } from '../transport/node/node.ts'
import { readWorkerConfig, type WorkerConfig } from './config.ts'
import { configuredRunner } from './configured-runner.ts'
import { lockWorkerFolder, WorkerStartError } from './folder-lock.ts'
import { gitSetup } from './git-setup.ts'
import { httpWork, type Refusal } from './http-work.ts'
import { startWorker } from './loop.ts'
import { GivenUp, untilAnswered } from './retry.ts'

import type { Runner } from './runner/runner.ts'
import { WORKER_SETTINGS } from './settings.ts'

// A worker anywhere: a server's address and a key of its own are all that it needs (npm run worker). It owns the process:
// environment, standard output, signals, exit code.

/** Errors whose message alone is for the operator; all others come with their stack. */
const FOR_OPERATORS = ['ConfigError', 'WorkerStartError', 'ApiError', 'TransportError']

async function work(config: WorkerConfig): Promise<void> {
  const log = pino({ level: config.logLevel, base: undefined }, pino.destination({ fd: 2, sync: true }))
  const lock = lockWorkerFolder(config.dataDir)
  const runner = await usableRunner(config)
  const { url, workerLabels: labels } = config
  const stopping = new AbortController()
  let failure: Error | undefined

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(1)
      log.info({ signal }, 'stopping: no new work; running suites get their grace')
      stopping.abort()
    })
  }

  /** Without a run there is nothing to save: what the server refuses then is refused for good. */
  function onRefused({ verb, error }: Refusal): void {
    log.error({ err: error, verb }, 'the server refused what the worker said')
    if (verb !== 'hello' && verb !== 'claim') return
    failure ??= error
    stopping.abort()
  }

  const caller = createCaller({
    url,
    apiKey: config.key,
    allowHttp: config.allowHttp,
    transport: nodeTransport({ env: process.env }),
    clock: systemClock,
    random: systemRandom,
    userAgent: `verdict-worker/${VERSION}`,
  })
  const server = httpWork(caller, { version: VERSION, onRefused })
  const around = { clock: systemClock, random: () => systemRandom.fraction(), log }
  try {
    const facts = { labels, runner: runner.name }
    const { worker: me } = await untilAnswered('hello', () => server.hello(facts), around, stopping.signal)
    const whom = me.workspace === null ? 'every workspace' : `the workspace ${me.workspace}`
    console.log(`Verdict worker ${VERSION}, "${me.name}" (${me.id}), works for ${whom} of ${url}`)
    for (const fact of [`runner ${runner.name}`, ...runner.facts]) console.log(`  ${fact}`)
  } catch (error) {
    if (!(error instanceof GivenUp)) throw error
  }
  if (!stopping.signal.aborted) {
    const graceMs = config.stopGraceSeconds * 1000
    const git = gitSetup({ ...config, folder: join(config.dataDir, 'sources'), clock: systemClock })
    const worker = startWorker({ ...around, work: server, runner, git, slots: config.workerSlots, labels, graceMs })
    await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve))
    await worker.stop()
  }
  lock.release()
  if (failure) throw failure
  process.exit(0)
}

/** Throws when this machine can isolate nothing: such a worker would claim nothing. */
async function usableRunner(config: WorkerConfig): Promise<Runner> {
  const folder = join(config.dataDir, 'runs')
  const detected = await configuredRunner(config, { folder, toolPath: process.env.PATH ?? '' })
  if (detected.runner) return detected.runner
  throw new WorkerStartError(`This worker can run no suite, and claims none: ${detected.problem}`)
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(helpText())
  if (args.includes('--version')) return console.log(VERSION)
  if (args.length > 0) throw new WorkerStartError(`A worker takes no arguments (${args.join(' ')}): see --help.`)
  const { config, warnings } = readWorkerConfig(process.env, process.cwd())
  for (const warning of warnings) console.error(`warning: ${warning}`)
  await work(config)
}

function helpText(): string {
  return `Verdict worker ${VERSION}: runs suites for a Verdict server

Usage: npm run worker

A proxy is taken from HTTPS_PROXY, HTTP_PROXY and NO_PROXY, further certificates from NODE_EXTRA_CA_CERTS.

Settings (environment):
${settingsHelp(WORKER_SETTINGS)}`
}

function fail(error: unknown): void {
  const known = error instanceof Error && FOR_OPERATORS.includes(error.name)
  console.error(known ? `verdict-worker: ${error.message}` : error)
  process.exit(1)
}

main(process.argv.slice(2)).catch(fail)
