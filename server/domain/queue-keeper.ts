import { REASONS } from '../../contract/reasons.ts'
import { LEASE_MS, type WorkerFacts } from '../../worker/work.ts'
import type { Clock } from '../clock.ts'
import type { RunRecord } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import { ofRun, type Wake } from '../wake/wake.ts'

/** What time does to runs. */
export interface QueueKeeper {
  /** Looks once over the queue. */
  keep(): Promise<void>
  /** Nothing is taken back or cancelled for a whole lease from now: at start, after an outage, after a freeze. */
  grantNewTime(): void
}

const AT_ONCE = 100
/** Without any worker for this long, waiting makes no sense. */
const NO_WORKER_MS = 60_000

export function queueKeeper(options: {
  store: Store
  wake: Wake
  clock: Clock
  alive: () => WorkerFacts[] /** Why there is no runner here. */
  noRunner: () => string | undefined
}): QueueKeeper {
  const { store, wake, clock } = options
  let notBefore = 0
  let watchSince = 0
  let workerSeen = clock.monotonic()

  function tell(runs: readonly RunRecord[]): void {
    for (const run of runs) wake.publish(ofRun(run.id))
    if (runs.length > 0) wake.publish('queue')
  }

  async function explainWaiting(): Promise<void> {
    const alive = options.alive()
    if (alive.length > 0) workerSeen = clock.monotonic()
    const noWorkerMs = clock.monotonic() - workerSeen
    for (const run of await store.queue.waiting(AT_ONCE)) {
      const why = whyItWaits(run, alive, options.noRunner())
      if (alive.length === 0 && noWorkerMs >= NO_WORKER_MS) {
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
      notBefore = clock.monotonic() + LEASE_MS
      watchSince = clock.now()
    },
    async keep() {
      if (clock.monotonic() >= notBefore) tell(await store.queue.takeBackLost(AT_ONCE))
      tell(await store.queue.cancelAbandoned(watchSince, AT_ONCE))
      tell(await store.queue.endOverdue(AT_ONCE))
      await explainWaiting()
    },
  }
}

function whyItWaits(run: RunRecord, alive: readonly WorkerFacts[], noRunner: string | undefined): string | undefined {
  if (alive.length === 0) return noRunner ?? 'There is no worker just now.'
  const wanted = run.definition.runsOn
  if (alive.some(({ labels }) => wanted.every((label) => labels.includes(label)))) return undefined
  return `No worker has the labels that the suite's runsOn asks for (${wanted.join(', ')}); there are: ${alive.map(({ labels }) => labels.join('+')).join(', ')}.`
}
