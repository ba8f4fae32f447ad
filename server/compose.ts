import type { Logger } from 'pino'
import { gitSetup } from '../worker/git-setup.ts'
import { type RunningWorker, startWorker } from '../worker/loop.ts'
import { buildApp } from './app.ts'
import { type Clock, systemClock } from './clock.ts'
import { composeCallbacks } from './compose-callbacks.ts'
import { composeDomain } from './compose-domain.ts'
import { type Config, dataPaths } from './config.ts'
import { makeFirstKey } from './domain/bootstrap.ts'
import { idMaker } from './domain/ids.ts'
import { queueKeeper } from './domain/queue-keeper.ts'
import { retention } from './domain/retention.ts'
import { keyDigest } from './domain/tokens.ts'
import { type WorkSide, workSide } from './domain/work.ts'
import { firstKeyFile } from './first-key.ts'
import { expire } from './jobs/expire.ts'
import { followRevocations } from './jobs/follow-revocations.ts'
import { keepBooks } from './jobs/keep-books.ts'
import { sweep } from './jobs/sweep.ts'
import { ALWAYS, turnByLease } from './jobs/turn.ts'
import { listenError } from './listen-error.ts'
import { listenForMetrics, serverMetrics } from './metrics.ts'
import { openParts, type Parts } from './parts.ts'
import type { ShippedCli } from './routes/operations.ts'
import { chooseRunner, runnerNotes, widestNetwork } from './runner.ts'

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
  /** Listens, in the role api, and starts to work. Answers the public URL. */
  start(): Promise<string>
  /** Ends everything in order: waiters answered, work handed back, store closed. */
  stop(): Promise<void>
}

const ADDRESS_FAILURES_A_MINUTE = 30

/** Builds a whole server on its configuration. Nothing listens yet, nothing is claimed. */
export async function composeServer(config: Config, options: ComposeOptions): Promise<Server> {
  const parts = await openParts(config, options.clock ?? systemClock, (note) => options.log.warn(note))
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
  // A shared store's first key is chosen by the operator, or made by admin-key: no node prints it (wire 6).
  const wantsKey = !parts.shared || config.chosenFirstKey !== undefined
  const firstKey = wantsKey ? await makeFirstKey(bootstrap, config.chosenFirstKey) : undefined
  if (firstKey !== undefined && config.chosenFirstKey === undefined) keyFile.write(firstKey)

  const { wake } = parts
  const leaseMs = config.leaseSeconds * 1000
  const { runningPerWorkspace: perWorkspace, minFreeBytes } = config
  const work = workSide({ ...parts, wake, leaseMs, perWorkspace, minFreeBytes })
  const choice = await chooseRunner(config, options.toolPath)
  const { runner } = choice
  const notes = runnerNotes(choice)
  const onFirstUse = (key: { digest: string }) => keyFile.used(key.digest)
  const unsandboxed = () => runner?.name === 'process'
  const network = widestNetwork(config, choice)
  const outgoing = composeCallbacks({ ...parts, config, publicUrl, wake, log, version: options.version })
  const domain = await composeDomain({
    ...parts,
    ...outgoing,
    config,
    publicUrl,
    wake,
    log,
    onFirstUse,
    work,
    version: options.version,
    unsandboxed,
    notes,
    network,
  })
  const metrics = serverMetrics(store)
  const app = await buildApp(domain, {
    version: options.version,
    publicUrl,
    log,
    signIns: config.oidcIssuer !== undefined,
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
    leaseMs,
    alive: work.alive,
    noRunner: () => (choice.runner ? undefined : choice.problem),
  })
  const keep = {
    logs: config.keepLogsDays,
    artifacts: config.keepArtifactsDays,
    runs: config.keepRunsDays,
    audit: config.keepAuditDays,
  }
  const stops: (() => Promise<void>)[] = []
  let worker: RunningWorker | undefined

  return {
    firstKey,
    notes,
    work,
    async start() {
      // Where other processes share the store, what a dead one held goes back when its lease is over.
      const own = idMaker(clock)('worker')
      const embedded = parts.shared ? own : await store.installation.keep('embedded-worker', own)
      await store.queue.releaseAllOf(embedded)
      const serves = config.roles.includes('api')
      // Whatever the rest of the start took: the first caller meets a node that knows what was revoked.
      await domain.revocation.refresh()
      if (serves) {
        await app.listen({ host: config.host, port: config.port }).catch((error: NodeJS.ErrnoException) => {
          throw listenError(error, config)
        })
      }
      if (config.metricsPort > 0) stops.push(await listenForMetrics(metrics.registry, config.host, config.metricsPort))
      if (parts.shared) {
        const lost = (error: unknown) =>
          log.error({ err: error }, 'what was revoked is not known just now; trying again')
        stops.push(followRevocations(domain.revocation, clock, lost))
      }
      if (serves) {
        const turn = parts.shared ? turnByLease(store.leases, embedded, clock) : ALWAYS
        const unkept = (error: unknown) =>
          log.error({ err: error }, 'the queue could not be looked after; trying again')
        const unremoved = (error: unknown) =>
          log.error({ err: error }, 'what is old could not be removed; trying again')
        stops.push(sweep(keeper, turn, clock, unkept))
        stops.push(expire(retention({ ...parts, days: keep }), turn, clock, unremoved))
        // The lease ends by itself when the store is away.
        stops.push(() => turn.giveUp().catch(() => undefined))
      }
      stops.push(
        keepBooks(domain, clock, (error) =>
          log.error({ err: error }, 'audit, usage or signing keys wait; trying again'),
        ),
      )
      if (config.roles.includes('sender')) stops.push(await outgoing.start(embedded))
      if (runner) {
        worker = startWorker({
          work: work.forWorker(embedded),
          runner,
          git: gitSetup({ ...config, folder: paths.sources, clock }),
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
