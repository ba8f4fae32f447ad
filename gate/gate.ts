import type { Client, Clock, Random } from '../client/index.ts'
import type { Case } from '../contract/cases.ts'
import type { Run } from '../contract/runs.ts'
import type { ExitCode } from './exit-code.ts'

/** What happens at the gate, for who shows it. Every method may be left out. */
export interface GateListener {
  /** The first line of a suite: what runs, and from where. */
  planned?(suite: string, line: string): void
  /** Something that people should know and that decides nothing. */
  notice?(text: string): void
  /** The server accepted the run. Told before anything else of it. */
  started?(run: Run, facts: { replayed: boolean }): void
  /** Every further version of a run, the final one included. */
  changed?(run: Run): void
  /** Nothing else was told for most of a minute: these runs are still waited for. */
  still?(runs: readonly Run[]): void
  /** Output of a run as it comes. Where this is left out, logs are not followed. */
  log?(run: Run, text: string): void
  /** A suite is done, with its verdict or without. */
  finished?(outcome: SuiteOutcome): void
}

/** What everything at the gate is given. */
export interface GateContext {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly listener: GateListener
  /** Aborted by SIGINT or SIGTERM: remote runs are then cancelled and seen final, 5 s at most. */
  readonly signal: AbortSignal
}

/** How one suite ended. */
export interface SuiteOutcome {
  readonly suite: string
  /** As last seen; undefined when none was started. */
  readonly run?: Run
  /** The run was started by an earlier call with the same idempotency key. */
  readonly replayed: boolean
  /** The failed, errored and flaky cases, failed ones first, a bounded number of them. */
  readonly cases: readonly Case[]
  /** Why there is no verdict, or none in time. */
  readonly error?: Error
  readonly exitCode: ExitCode
}

export interface GateResult {
  /** By the gravest outcome; what a signal makes of it is the caller's to say (130, 143). */
  readonly exitCode: ExitCode
  readonly state: Run['state']
  /** In the order in which the suites were planned. */
  readonly outcomes: readonly SuiteOutcome[]
  /** Whether the signal came before all were done. */
  readonly interrupted: boolean
}
