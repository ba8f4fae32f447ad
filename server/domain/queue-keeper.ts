import { REASONS } from '../../contract/reasons.ts'
import type { Clock } from '../clock.ts'
import type { RunRecord } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import { ofRun, type Wake } from '../wake/wake.ts'
import type { LiveWorker } from './work.ts'

/** What time does to runs. */
export interface QueueKeeper {
  /** Looks once over the queue. */
  keep(): Promise<void>
  /** Nothing is taken back or cancelled for a whole lease from now, nor ended for want of a worker for a minute: at start, after an outage, after a freeze. */
  grantNewTime(): void
  /** From now on it is this process that looks, after another one: which workers were seen before is not known here. */
  takeUp(): void
}

const AT_ONCE = 100
/** Without any worker that serves its workspace for this long, a run's waiting makes no sense. */
const NO_WORKER_MS = 60_000

export function queueKeeper(options: {
  store: Store
  wake: Wake
  clock: Clock
  /** As long as leases are. */
  leaseMs: number
  alive: () => Promise<LiveWorker[]>
  /** Why there is no runner here. */
  noRunner: () => string | undefined
}): QueueKeeper {
  const { store, wake, clock } = options
  let notBefore = 0
  /** By the store's clock, as all that is compared with it; undefined: from the next look on. */
  let watchSince: number | undefined
  /** Before, no worker could be seen. */
  let lookedSince = clock.monotonic()
  /** When a worker was last seen that serves the workspace; null: all of them. */
  const workerSeen = new Map<string | null, number>()

  function tell(runs: readonly RunRecord[]): void {
    for (const run of runs) wake.publish(ofRun(run.id))
    if (runs.length > 0) wake.publish('queue')
  }

  async function explainWaiting(): Promise<void> {
    const now = clock.monotonic()
    const alive = await options.alive()
    for (const { workspace } of alive) workerSeen.set(workspace, now)
    for (const [workspace, at] of workerSeen) if (now - at >= NO_WORKER_MS) workerSeen.delete(workspace)
    for (const run of await store.queue.waiting(AT_ONCE)) {
      const serving = alive.filter(({ workspace }) => workspace === null || workspace === run.workspace)
      const why = whyItWaits(run, serving, options.noRunner())
      const seenLately = workerSeen.has(null) || workerSeen.has(run.workspace)
      if (!seenLately && now - lookedSince >= NO_WORKER_MS) {
        const message = `No worker took the run: ${why ?? 'there is none.'}`
        const ended = await store.queue.endQueued(run.id, {
          state: 'errored',
          results: null,
          reason: { code: 'no_runner', message, fault: REASONS.no_runner.fault },
        })
        if (ended) tell([ended])
      } else if (why !== (run.reason?.message ?? undefined)) {
        await store.queue.explain(
          run.id,
          why === undefined ? null : { code: 'no_runner', message: why, fault: REASONS.no_runner.fault },
        )
        wake.publish(ofRun(run.id))
      }
    }
  }

  return {
    grantNewTime() {
      notBefore = clock.monotonic() + options.leaseMs
      watchSince = undefined
      lookedSince = clock.monotonic()
    },
    takeUp() {
      lookedSince = clock.monotonic()
    },
    async keep() {
      watchSince ??= await store.now()
      if (clock.monotonic() >= notBefore) tell(await store.queue.takeBackLost(AT_ONCE))
      tell(await store.queue.cancelAbandoned(watchSince, AT_ONCE))
      tell(await store.queue.endOverdue(AT_ONCE))
      await explainWaiting()
    },
  }
}

function whyItWaits(run: RunRecord, alive: readonly LiveWorker[], noRunner: string | undefined): string | undefined {
  if (alive.length === 0) return noRunner ?? 'There is no worker just now.'
  const wanted = run.definition.runsOn
  if (alive.some(({ labels }) => wanted.every((label) => labels.includes(label)))) return undefined
  return `No worker has the labels that the suite's runsOn asks for (${wanted.join(', ')}); there are: ${alive.map(({ labels }) => labels.join('+')).join(', ')}.`
}
