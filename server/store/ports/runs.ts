import type { Results } from '../../../contract/cases.ts'
import type { Fault, FinalState, ReasonCode, RunState } from '../../../contract/reasons.ts'
import type { CiFacts, RunSource, TriggeredBy } from '../../../contract/runs.ts'
import type { Definition } from '../../../contract/suites.ts'
import type { PageRequest } from './page.ts'

export interface RunRecord {
  id: string
  workspace: string
  suite: string
  revision: number | null
  definition: Definition
  source: RunSource
  state: RunState
  /** Rises with every change that a reader of the run can see. */
  version: number
  attempt: number
  /** Leases that were lost so far; `worker_lost` when they reach the definition's `attempts`. */
  lostLeases: number
  createdAt: number
  startedAt: number | null
  finishedAt: number | null
  timeoutSeconds: number
  queueTimeoutSeconds: number
  abandonAfterSeconds: number | null
  callbackUrl: string | null
  results: Results | null
  reason: { code: ReasonCode; message: string; fault: Fault } | null
  /** Those of the run, laid over the definition's defaults. */
  variables: Record<string, string>
  /** Values that came with the run, sealed by the vault; erased at its end. */
  sealedSecrets: string | null
  labels: string[]
  rerunOf: string | null
  triggeredBy: TriggeredBy
  ci: CiFacts
  artifacts: number
  /** Set when a running run is to be stopped; the worker is told at its next heartbeat. */
  cancelReason: 'cancelled_by_user' | 'abandoned' | null
}

export type NewRun = Omit<
  RunRecord,
  | 'state'
  | 'version'
  | 'attempt'
  | 'lostLeases'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
  | 'results'
  | 'reason'
  | 'artifacts'
  | 'cancelReason'
>

export interface RunFilter {
  suite?: string
  state?: RunState
  label?: string
  commit?: string
  branch?: string
  repository?: string
  /** createdAt, inclusive and exclusive. */
  since?: number
  until?: number
  /** Only these suites: what a limited key may see. */
  suites?: readonly string[]
}

export interface Verdict {
  state: FinalState
  results: Results | null
  reason: RunRecord['reason']
}

/** Runs as people see them. What workers do with them is {@link Queue}. */
export interface Runs {
  /**
   * Queues a run, durably. With an idempotency key (unique in the workspace for 24 h): the first run of that key and meaning
   * is answered as `replayed`. `queue_full`: the workspace has `maxQueued` queued runs. `user_quota`: the run's user has
   * started `maxPerDay` runs today (UTC).
   */
  create(
    run: NewRun,
    options: { maxQueued: number; maxPerDay?: number | null; idempotency?: { key: string; meaning: string } },
  ): Promise<{ run: RunRecord; replayed: boolean } | 'idempotency_key_reused' | 'queue_full' | 'user_quota'>
  get(id: string): Promise<RunRecord | undefined>
  list(workspace: string, filter: RunFilter, page: PageRequest): Promise<RunRecord[]>
  /**
   * A queued run ends at once; a running one gets its `cancelReason` (the first one stays); a final one is unchanged.
   * Answers the run as it is then.
   */
  cancel(id: string, reason: 'cancelled_by_user' | 'abandoned', message: string): Promise<RunRecord | undefined>
  /** Runs that a user started and that have not ended, by id; after that id. */
  unfinishedOf(user: string, limit: number, after?: string): Promise<RunRecord[]>
  /** Notes that the run's client is there (outside `version`), at most every 15 s. */
  markWatched(id: string): Promise<void>
  /** Removes runs, with their cases, logs and artifacts' records, that finished before. Answers blobs that nothing needs any more. */
  removeOlder(finishedBefore: number, limit: number): Promise<{ removed: number; blobs: string[] }>
}
