/** The states of a run. The last five are final and never change. */
export const RUN_STATES = ['queued', 'running', 'passed', 'failed', 'errored', 'timed_out', 'cancelled'] as const
export type RunState = (typeof RUN_STATES)[number]
export const FINAL_STATES = ['passed', 'failed', 'errored', 'timed_out', 'cancelled'] as const
export type FinalState = (typeof FINAL_STATES)[number]

export function isFinal(state: string): state is FinalState {
  return (FINAL_STATES as readonly string[]).includes(state)
}

/** Whose fault it is that there is no green verdict; null: nobody's (cancelled, timed out). */
export type Fault = 'suite' | 'service' | null

/**
 * Why a run ended other than `passed`, in the order in which the first that applies decides (wire 5).
 * Only `worker_lost` and below are made by the server itself; all others are told by a worker or a user.
 */
export const REASONS = {
  cancelled_by_user: { state: 'cancelled', fault: null },
  abandoned: { state: 'cancelled', fault: null },
  timeout: { state: 'timed_out', fault: null },
  memory_limit: { state: 'errored', fault: 'suite' },
  process_limit: { state: 'errored', fault: 'suite' },
  disk_limit: { state: 'errored', fault: 'suite' },
  setup_failed: { state: 'errored', fault: 'suite' },
  commit_missing: { state: 'errored', fault: 'suite' },
  suite_file_missing: { state: 'errored', fault: 'suite' },
  suite_file_invalid: { state: 'errored', fault: 'suite' },
  tests_failed: { state: 'failed', fault: 'suite' },
  command_failed: { state: 'failed', fault: 'suite' },
  report_missing: { state: 'errored', fault: 'suite' },
  report_invalid: { state: 'errored', fault: 'suite' },
  report_too_large: { state: 'errored', fault: 'suite' },
  no_tests: { state: 'errored', fault: 'suite' },
  worker_lost: { state: 'errored', fault: 'service' },
  no_runner: { state: 'errored', fault: 'service' },
  queue_timeout: { state: 'errored', fault: 'service' },
  sandbox_failed: { state: 'errored', fault: 'service' },
  archive_lost: { state: 'errored', fault: 'service' },
  internal: { state: 'errored', fault: 'service' },
  source_unavailable: { state: 'errored', fault: 'service' },
} as const satisfies Record<string, { state: FinalState; fault: Fault }>

export type ReasonCode = keyof typeof REASONS
