import type { ReportedCase, Results } from '../contract/cases.ts'
import type { ReasonCode } from '../contract/reasons.ts'
import type { Definition } from '../contract/suites.ts'

/**
 * The server as a worker sees it. In one process the server's domain is the adapter; over HTTP it is `/v1/work/…` (issue
 * 2 of 5). Every verb but `claim` is safe to repeat. A verb rejects only when the server cannot be reached just now.
 */
export interface Work {
  /**
   * The next run for a worker with these labels, or undefined when none came within `waitMs`. The run is `running` from
   * here on; its lease lasts 30 s unless a heartbeat prolongs it.
   */
  claim(worker: WorkerFacts, waitMs: number, signal: AbortSignal): Promise<Job | undefined>
  /**
   * Prolongs the lease at once, then is held for up to `waitMs`, or a third of a lease, and answered early when the run is to
   * be stopped: so a cancel reaches the worker in milliseconds. `lost`: the run is another's now; stop it and say nothing
   * more of it.
   */
  heartbeat(lease: Lease, waitMs: number, signal: AbortSignal): Promise<HeartbeatAnswer>
  /** Output of the run, UTF-8, already masked. `seq` rises by one from 1 within an attempt; a repeated one is dropped. */
  log(lease: Lease, seq: number, text: string): Promise<Acceptance>
  /** Cases of the report, at most {@link CASES_PER_CALL}; `seq` as in `log`. */
  cases(lease: Lease, seq: number, cases: readonly ReportedCase[]): Promise<Acceptance>
  /** The packed tree of the job, or undefined when it is not there any more (`archive_lost`). */
  archive(lease: Lease): Promise<AsyncIterable<Uint8Array> | undefined>
  /** A file for people. The same path again replaces it. */
  artifact(lease: Lease, path: string, content: AsyncIterable<Uint8Array>): Promise<Acceptance | 'no_room'>
  /** The verdict. `lost` when somebody else gave it or holds the run: the worker's own is void. */
  finish(lease: Lease, outcome: Outcome): Promise<Acceptance>
  /** Hands the run back, queued, with no try lost. */
  release(lease: Lease): Promise<Acceptance>
}

/** How long the server is to hold a heartbeat: a third of a lease. */
export const HEARTBEAT_MS = 10_000
export const CASES_PER_CALL = 500
/** The texts of the cases of one call have about so many characters at most; one case alone may have more. */
export const CASES_LENGTH = 1_000_000

export interface WorkerFacts {
  readonly labels: readonly string[]
  /** The runner's name, for people. */
  readonly runner: string
}

/** The right to speak for one attempt of one run. `attempt` is the fence. */
export interface Lease {
  readonly run: string
  readonly attempt: number
}

export interface Job {
  readonly lease: Lease
  readonly suite: string
  readonly definition: Definition
  /** Of setup and run together, seconds. */
  readonly timeoutSeconds: number
  /** The definition's defaults, overlaid by the run's own. */
  readonly variables: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  /** For VERDICT_COMMIT, VERDICT_BRANCH, VERDICT_PULL_REQUEST. */
  readonly commit: string | null
  readonly branch: string | null
  readonly pullRequest: string | null
  /** The commit to test; the definition is then only what the run may do (worker/git-source.ts). */
  readonly source?: GitCheckout
}

export interface GitCheckout {
  readonly url: string
  /** In full. */
  readonly commit: string
  /** A token or `user:password`; with ssh a private key. Never for the run itself. */
  readonly credential: string | null
  readonly submodules: boolean
  /** With ssh: the host's public keys, `type base64`. */
  readonly hostKeys?: readonly string[]
}

export type Acceptance = 'accepted' | 'lost'
export type HeartbeatAnswer =
  | { readonly order: 'go_on' }
  | { readonly order: 'cancel'; readonly reason: 'cancelled_by_user' | 'abandoned' }
  | { readonly order: 'lost' }

/** How an attempt ended: `reason` null means passed. State and fault follow from the reason (contract/reasons.ts). */
export interface Outcome {
  readonly results: Results | null
  readonly reason: { readonly code: ReasonCode; readonly message: string } | null
}
