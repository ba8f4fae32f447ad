import type { RunRecord, Verdict } from './runs.ts'

export interface Lease {
  readonly run: string
  readonly attempt: number
}

/** A run is its own queue entry: claimed under a lease, fenced by its attempt, ended by one verdict. */
export interface Queue {
  /**
   * The oldest queued run whose `runsOn` the labels hold and whose suite (by the run's own `definition.concurrency`) and
   * workspace (`perWorkspace`), and whose user by their `runningAtOnce`, have a free slot; sets it `running` with attempt + 1, owner and lease. Undefined when there
   * is none. With `workspace` only its runs are looked at.
   */
  claim(
    worker: { id: string; labels: readonly string[] },
    options: { leaseMs: number; perWorkspace: number; workspace?: string },
  ): Promise<RunRecord | undefined>
  /** Prolongs the lease from now on. */
  renew(lease: Lease, owner: string, leaseMs: number): Promise<{ cancelReason: RunRecord['cancelReason'] } | 'lost'>
  /** The verdict, once: only while (id, attempt, owner) is running. A lost race changes nothing. Erases the run's secrets. */
  finish(lease: Lease, owner: string, verdict: Verdict): Promise<RunRecord | 'lost'>
  /** Back to `queued` with nothing lost; to `cancelled` when a cancel was asked for. */
  release(lease: Lease, owner: string): Promise<RunRecord | 'lost'>
  /** Whether the lease is held by that owner. */
  holds(lease: Lease, owner: string): Promise<boolean>
  /** The runs whose leases that owner holds. */
  heldBy(owner: string, limit: number): Promise<RunRecord[]>
  /** Hands back, with nothing lost, all that a dead process's own worker held. */
  releaseAllOf(owner: string): Promise<RunRecord[]>
  /**
   * Takes back runs whose lease is over: queued again, or ended by `worker_lost` when their tries are used up, or by the
   * cancel that was asked for. Answers those that changed.
   */
  takeBackLost(limit: number): Promise<RunRecord[]>
  /** Cancels runs whose client was last seen longer ago than they allow (counted from `watchSince` at the earliest). */
  cancelAbandoned(watchSince: number, limit: number): Promise<RunRecord[]>
  /** Ends runs that were queued for longer than they allow, by `queue_timeout`. */
  endOverdue(limit: number): Promise<RunRecord[]>
  /** Queued runs, oldest first, of which a reason to wait is to be told or taken back. */
  waiting(limit: number): Promise<RunRecord[]>
  /** Sets or clears the reason for which a queued run waits. */
  explain(run: string, reason: RunRecord['reason']): Promise<void>
  /** Ends a queued run by the server's own reason (`no_runner`). Undefined when it is not queued any more. */
  endQueued(run: string, verdict: Verdict): Promise<RunRecord | undefined>
  /** How many are queued and running in all. */
  depth(): Promise<{ queued: number; running: number }>
}
