import { ARTIFACTS_MAX_BYTES } from '../../contract/artifacts.ts'
import { REASONS } from '../../contract/reasons.ts'
import { CASES_PER_CALL, type HeartbeatAnswer, type Lease, type Work, type WorkerFacts } from '../../worker/work.ts'
import { BlobError, type Blobs } from '../blobs/blobs.ts'
import type { Clock } from '../clock.ts'
import type { RunRecord } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import type { Vault } from '../vault/vault.ts'
import { ofLog, ofRun, type Wake } from '../wake/wake.ts'
import { Bell } from './bell.ts'
import { verdictOf } from './handed-in.ts'
import { jobOf } from './job.ts'

/** The server's side of {@link Work}, for the embedded worker and for workers anywhere alike. */
export interface WorkSide {
  /** The work of one worker: it speaks only for runs whose lease that worker holds. `workspace`: the only one it serves. */
  forWorker(id: string, workspace?: string): Work
  /** Workers that were heard of within the last 60 s, here or by another node. */
  alive(): Promise<LiveWorker[]>
  /** Ends held claims and heartbeats: the server shuts down. */
  release(): void
}

export interface LiveWorker {
  readonly labels: readonly string[]
  /** Null: it serves every workspace. */
  readonly workspace: string | null
}

export interface WorkSideOptions {
  readonly store: Store
  readonly blobs: Blobs
  readonly wake: Wake
  readonly vault: Vault
  readonly clock: Clock
  /** Life of a lease that no heartbeat prolongs. */
  readonly leaseMs: number
  readonly perWorkspace: number
  readonly minFreeBytes: number
}

const ALIVE_MS = 60_000
const LOOK_AGAIN_MS = 5000
/** How many workers of other nodes are looked at: for what they may take, not to list them. */
const ALIVE_MAX = 1000
export function workSide(options: WorkSideOptions): WorkSide {
  const { store, blobs, wake, vault, clock, leaseMs } = options
  const seen = new Map<string, LiveWorker & { at: number }>()
  const released = new AbortController()

  async function endUnreadable(run: RunRecord, id: string): Promise<void> {
    const message = "The run's secrets cannot be opened: they were sealed under another secret key."
    const reason = { code: 'internal' as const, message, fault: REASONS.internal.fault }
    await store.queue.finish({ run: run.id, attempt: run.attempt }, id, { state: 'errored', results: null, reason })
    wake.publish(ofRun(run.id))
  }

  function forWorker(id: string, workspace?: string): Work {
    const heard = ({ labels }: WorkerFacts) =>
      seen.set(id, { labels, workspace: workspace ?? null, at: clock.monotonic() })
    /** A worker whose slots are all busy claims nothing, and is alive all the same. */
    const heardAgain = () => {
      const known = seen.get(id)
      if (known) known.at = clock.monotonic()
    }

    return {
      async claim(facts, waitMs, signal) {
        const until = clock.monotonic() + waitMs
        const bell = new Bell(clock).on((ring) => wake.subscribe('queue', ring)).onAbort(signal, released.signal)
        try {
          while (!signal.aborted && !released.signal.aborted) {
            heard(facts)
            const run = await store.queue.claim(
              { id, labels: facts.labels },
              { leaseMs, perWorkspace: options.perWorkspace, workspace },
            )
            if (run) {
              wake.publish(ofRun(run.id))
              const job = jobOf(run, vault)
              if (job) return job
              await endUnreadable(run, id)
              continue
            }
            const left = until - clock.monotonic()
            if (left <= 0) return undefined
            await bell.rung(Math.min(left, LOOK_AGAIN_MS))
          }
          return undefined
        } finally {
          bell.takeDown()
        }
      },

      async heartbeat(lease, waitMs, signal) {
        heardAgain()
        // Two may be lost on the way before the lease is.
        const until = clock.monotonic() + Math.min(waitMs, leaseMs / 3)
        const renewed = await store.queue.renew(lease, id, leaseMs)
        if (renewed === 'lost') return { order: 'lost' }
        if (renewed.cancelReason) return { order: 'cancel', reason: renewed.cancelReason }
        const bell = new Bell(clock)
          .on((ring) => wake.subscribe(ofRun(lease.run), ring))
          .onAbort(signal, released.signal)
        try {
          for (;;) {
            const order = orderFor(lease, await store.runs.get(lease.run))
            const left = until - clock.monotonic()
            if (order.order !== 'go_on' || signal.aborted || released.signal.aborted || left <= 0) return order
            await bell.rung(Math.min(left, LOOK_AGAIN_MS))
          }
        } finally {
          bell.takeDown()
        }
      },

      async log(lease, seq, text) {
        if (!(await store.queue.holds(lease, id))) return 'lost'
        const answer = await store.runLog.append(lease, seq, text)
        wake.publish(ofLog(lease.run))
        return answer
      },

      async cases(lease, seq, cases) {
        if (cases.length > CASES_PER_CALL) throw new RangeError(`at most ${CASES_PER_CALL} cases a call`)
        return (await store.queue.holds(lease, id)) ? store.cases.append(lease, seq, cases) : 'lost'
      },

      async archive(lease) {
        if (!(await store.queue.holds(lease, id))) return undefined
        const digest = (await store.runs.get(lease.run))?.definition.archive
        return digest ? (await blobs.get(digest))?.content : undefined
      },

      async artifact(lease, path, content) {
        if (!(await store.queue.holds(lease, id))) return 'lost'
        if ((await blobs.freeBytes()) < options.minFreeBytes) return 'no_room'
        try {
          const blob = await blobs.put(content, { maxBytes: ARTIFACTS_MAX_BYTES })
          return await store.artifacts.add(lease, { path, ...blob })
        } catch (error) {
          if (error instanceof BlobError && error.code !== 'digest_mismatch') return 'no_room'
          throw error
        }
      },

      async finish(lease, outcome) {
        const run = await store.queue.finish(lease, id, verdictOf(outcome))
        if (run === 'lost') return 'lost'
        wake.publish(ofRun(lease.run))
        wake.publish('queue')
        return 'accepted'
      },

      async release(lease) {
        const run = await store.queue.release(lease, id)
        if (run === 'lost') return 'lost'
        wake.publish(ofRun(lease.run))
        wake.publish('queue')
        return 'accepted'
      },
    }
  }

  return {
    forWorker,
    async alive() {
      const now = clock.monotonic()
      for (const [id, { at }] of seen) if (now - at > ALIVE_MS) seen.delete(id)
      const elsewhere = await store.workers.seenSince((await store.now()) - ALIVE_MS, ALIVE_MAX)
      const live = new Map<string, LiveWorker>(seen)
      for (const { id, workspace, labels, said } of elsewhere) {
        if (!live.has(id)) live.set(id, { workspace, labels: [...labels, ...(said?.labels ?? [])] })
      }
      return [...live.values()]
    },
    release: () => released.abort(),
  }
}

function orderFor(lease: Lease, run: RunRecord | undefined): HeartbeatAnswer {
  if (run?.state !== 'running' || run.attempt !== lease.attempt) return { order: 'lost' }
  return run.cancelReason === null ? { order: 'go_on' } : { order: 'cancel', reason: run.cancelReason }
}
