import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { type RunningWorker, startWorker } from '../worker/loop.ts'
import { buildApp, type Domain } from './app.ts'
import { type Clock, systemClock } from './clock.ts'
import { type Config, dataPaths } from './config.ts'
import { accessControl } from './domain/access.ts'
import { archives } from './domain/archives.ts'
import { makeAdminKey, makeFirstKey } from './domain/bootstrap.ts'
import { cancelRun } from './domain/cancel.ts'
import { definitions } from './domain/definitions.ts'
import { replays } from './domain/idempotency.ts'
import { idMaker } from './domain/ids.ts'
import { keyUse } from './domain/key-use.ts'
import { apiKeys } from './domain/keys.ts'
import { me } from './domain/me.ts'
import { queueKeeper } from './domain/queue-keeper.ts'
import { readiness } from './domain/readiness.ts'
import { retention } from './domain/retention.ts'
import { revocationMemory } from './domain/revocation.ts'
import { runPlans } from './domain/run-plan.ts'
import { runReader } from './domain/run-reader.ts'
import { runResults } from './domain/run-results.ts'
import { openSigning } from './domain/signing.ts'
import { suiteSecrets } from './domain/suite-secrets.ts'
import { suites } from './domain/suites.ts'
import { keyDigest, tokenExchange } from './domain/tokens.ts'
import { trigger } from './domain/trigger.ts'
import { users } from './domain/users.ts'
import { waiting } from './domain/waiting.ts'
import { type WorkSide, workSide } from './domain/work.ts'
import { firstKeyFile } from './first-key.ts'
import { expire } from './jobs/expire.ts'
import { sweep } from './jobs/sweep.ts'
import { listenForMetrics, serverMetrics } from './metrics.ts'
import { openParts, type Parts } from './parts.ts'
import type { ShippedCli } from './routes/operations.ts'
import { chooseRunner, runnerNotes, widestNetwork } from './runner.ts'
import { StartError } from './secret-key.ts'
import { localWake } from './wake/local.ts'

export interface ComposeOptions {
  readonly version: string
  readonly log: Logger
  readonly cli: ShippedCli
  /** PATH and such, for the programs of the sandbox; never given to a run. */
  readonly toolPath: string
  readonly clock?: Clock
}

export interface Server {
  /** The key of the first user, at the first start only. Nothing can tell it again. */
  readonly firstKey: string | undefined
  /** What isolates suites here, in words. */
  readonly notes: readonly string[]
  /** What workers speak to; the embedded one is one of them. */
  readonly work: WorkSide
  /** Listens and starts to work. Answers the public URL. */
  start(): Promise<string>
  /** Ends everything in order: waiters answered, work handed back, store closed. */
  stop(): Promise<void>
}

const ADDRESS_FAILURES_A_MINUTE = 30

/** Builds a whole server on its configuration. Nothing listens yet, nothing is claimed. */
export async function composeServer(config: Config, options: ComposeOptions): Promise<Server> {
  const parts = await openParts(config, options.clock ?? systemClock)
  try {
    return await composeOn(parts, config, options)
  } catch (error) {
    await parts.store.close()
    throw error
  }
}

async function composeOn(parts: Parts, config: Config, options: ComposeOptions): Promise<Server> {
  const { log } = options
  const paths = dataPaths(config.dataDir)
  const { store, clock } = parts
  const publicUrl =
    config.publicUrl ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`
  const bootstrap = { store, newId: idMaker(clock), now: () => clock.now(), maxDays: config.keyMaxDays }
  const keyFile = firstKeyFile(paths.firstKey, keyDigest)
  const firstKey = await makeFirstKey(bootstrap, config.chosenFirstKey)
  if (firstKey !== undefined && config.chosenFirstKey === undefined) keyFile.write(firstKey)

  const wake = localWake()
  const work = workSide({ ...parts, wake, perWorkspace: config.runningPerWorkspace, minFreeBytes: config.minFreeBytes })
  const choice = await chooseRunner(config, options.toolPath)
  const { runner } = choice
  const notes = runnerNotes(choice)
  const onUse = keyUse({
    store,
    now: () => clock.now(),
    onFirst: (key) => keyFile.used(key.digest),
    onError: (error) => log.warn({ err: error }, "a key's use could not be noted"),
  })
  const unsandboxed = () => runner?.name === 'process'
  const network = widestNetwork(config, choice)
  const domain = await composeDomain({ ...parts, config, publicUrl, wake, onUse, unsandboxed, notes, network })
  const metrics = serverMetrics(store)
  const app = await buildApp(domain, {
    version: options.version,
    publicUrl,
    log,
    trustProxy: config.trustProxy,
    corsOrigins: config.corsOrigins,
    archiveMaxBytes: config.archiveMaxBytes,
    rates: { exchanges: config.rateExchanges, calls: config.rateCalls, failures: ADDRESS_FAILURES_A_MINUTE },
    metrics: metrics.registry,
    cli: options.cli,
    onAnswer: ({ method, route, status, ms }) => metrics.requests.observe({ method, route, status }, ms / 1000),
  })

  const keeper = queueKeeper({
    store,
    wake,
    clock,
    alive: work.alive,
    noRunner: () => (choice.runner ? undefined : choice.problem),
  })
  const keep = { logs: config.keepLogsDays, artifacts: config.keepArtifactsDays, runs: config.keepRunsDays }
  const stops: (() => Promise<void>)[] = []
  let worker: RunningWorker | undefined

  return {
    firstKey,
    notes,
    work,
    async start() {
      const embedded = await store.installation.keep('embedded-worker', idMaker(clock)('worker'))
      await store.queue.releaseAllOf(embedded)
      await app.listen({ host: config.host, port: config.port }).catch((error: NodeJS.ErrnoException) => {
        throw listenError(error, config)
      })
      if (config.metricsPort > 0) stops.push(await listenForMetrics(metrics.registry, config.host, config.metricsPort))
      stops.push(
        sweep(keeper, clock, (error) => log.error({ err: error }, 'the queue could not be looked after; trying again')),
      )
      stops.push(
        expire(retention({ ...parts, days: keep }), clock, (error) =>
          log.error({ err: error }, 'what is old could not be removed; trying again'),
        ),
      )
      if (runner) {
        worker = startWorker({
          work: work.forWorker(embedded),
          runner,
          slots: config.workerSlots,
          labels: config.workerLabels,
          graceMs: config.stopGraceSeconds * 1000,
          clock,
          random: Math.random,
          log,
        })
      }
      return publicUrl
    },
    async stop() {
      const workerStopped = worker?.stop()
      work.release()
      await app.close()
      await workerStopped
      for (const stop of stops) await stop()
      wake.close()
      await store.close()
    },
  }
}

/** Another key with every scope but `work`, for the way back in. The server must not run on the same data folder. */
export async function composeAdminKey(config: Config, clock: Clock = systemClock): Promise<string> {
  const { store } = await openParts(config, clock)
  try {
    return await makeAdminKey({ store, newId: idMaker(clock), now: () => clock.now(), maxDays: config.keyMaxDays })
  } finally {
    await store.close()
  }
}

interface DomainParts extends Parts {
  readonly config: Config
  readonly publicUrl: string
  readonly wake: ReturnType<typeof localWake>
  readonly onUse: ReturnType<typeof keyUse>
  readonly unsandboxed: () => boolean
  readonly notes: readonly string[]
  readonly network: ReturnType<typeof widestNetwork>
}

async function composeDomain(parts: DomainParts): Promise<Domain> {
  const { store, blobs, vault, clock, wake, config, publicUrl } = parts
  const now = () => clock.now()
  const newId = idMaker(clock)
  const signing = await openSigning({ store, vault, algorithm: config.tokenAlgorithm, issuer: publicUrl, now })
  const revocation = revocationMemory({ store, clock, tokenTtlMs: 3_600_000 })
  await revocation.refresh()
  const access = accessControl({ signing, revocation, now })
  const trees = archives({ store, blobs, now, maxBytes: config.archiveMaxBytes, minFreeBytes: config.minFreeBytes })
  const ceilings = {
    ...parts.network,
    memoryBytes: config.sandboxMaxMemory,
    processes: config.sandboxMaxProcesses,
    diskBytes: config.sandboxMaxDisk,
  }
  const resolve = definitions({ archives: trees, ceilings })
  const suiteDomain = suites({ store, newId, resolve })
  const secrets = suiteSecrets({ store, vault, suites: suiteDomain })
  const reader = runReader({ store, publicUrl })
  return {
    access,
    archives: trees,
    cancel: cancelRun({ store, wake, reader, publicUrl }),
    keys: apiKeys({ store, revocation, newId, now, maxDays: config.keyMaxDays, keysPerUser: config.keysPerUser }),
    me: me(store),
    readiness: readiness({ store, clock, notes: () => parts.notes }),
    reader,
    replays: replays({ store, vault }),
    results: runResults({ store, blobs, reader, publicUrl }),
    secrets,
    signing,
    suites: suiteDomain,
    tokens: tokenExchange({
      store,
      signing,
      revocation,
      issuer: publicUrl,
      ttlSeconds: config.tokenTtlSeconds,
      now,
      randomId: randomUUID,
      onUse: parts.onUse,
    }),
    trigger: trigger({
      store,
      vault,
      wake,
      plans: runPlans({ store, archives: trees, suites: suiteDomain, resolve, ceilings }),
      secrets,
      reader,
      newId,
      publicUrl,
      maxQueued: config.queuedPerWorkspace,
      queueTimeoutSeconds: config.queueTimeoutSeconds,
    }),
    users: users({ store, newId, unsandboxed: parts.unsandboxed }),
    waiting: waiting({ store, wake, clock, access, reader, publicUrl }),
  }
}

function listenError(error: NodeJS.ErrnoException, config: Config): Error {
  const where = `${config.host}:${config.port}`
  if (error.code === 'EADDRINUSE')
    return new StartError(`Something listens on ${where} already. Stop it, or choose another port (VERDICT_PORT).`, {
      cause: error,
    })
  if (error.code === 'EACCES')
    return new StartError(`This user may not listen on ${where}. Choose a port above 1023 (VERDICT_PORT).`, {
      cause: error,
    })
  if (error.code === 'EADDRNOTAVAIL')
    return new StartError(`This machine has no address ${config.host} (VERDICT_HOST).`, { cause: error })
  return error
}
