import { REASONS } from '../../../contract/reasons.ts'
import type { RunSnapshot, SuiteVerdict } from './outbox.ts'
import type { NewRun, RunRecord, Verdict } from './runs.ts'

/** What every adapter does alike with a run: pure functions, so that two stores cannot differ in them. */

/** The time that an idempotency key of a run is kept. */
export const IDEMPOTENT_MS = 24 * 3600_000
/** How often it is noted that a run's client is there. */
export const WATCHED_EVERY_MS = 15_000

/** What never changes of a run: kept as one JSON text. What is searched or changed has fields of its own. */
export function requestOf(run: NewRun) {
  const { id, workspace, suite, sealedSecrets, ...request } = run
  return request
}

export const FACT_KINDS = ['commit', 'label', 'branch', 'repository'] as const
type FactKind = (typeof FACT_KINDS)[number]

/** What lists find a run by beside its suite and state; each once. A commit is the one checked out or the pull request's own. */
export function factsOf({ source, ci, labels }: Pick<NewRun, 'source' | 'ci' | 'labels'>) {
  const values: Record<FactKind, (string | null | undefined)[]> = {
    commit: [source.commit, ci.commit, ci.headCommit],
    label: labels,
    branch: [ci.branch],
    repository: [source.repository, ci.repository],
  }
  return FACT_KINDS.flatMap((kind) =>
    [...new Set(values[kind])].filter((value) => value != null).map((value) => ({ kind, value })),
  )
}

/** The day in which a run counts for its user: UTC, as 2026-11-25. */
export const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10)

/** What an event tells of a run. */
export function shownOf(run: RunRecord): RunSnapshot {
  const { definition, sealedSecrets, variables, cancelReason, ...shown } = run
  return shown
}

/** What the end of a run says of its suite; undefined when it says nothing: cancelled, or the service was at fault. */
export function suiteVerdict({ state, reason }: Pick<RunRecord, 'state' | 'reason'>): SuiteVerdict | undefined {
  if (state === 'passed') return 'passing'
  const failing = state === 'failed' || state === 'timed_out' || (state === 'errored' && reason?.fault === 'suite')
  return failing ? 'failing' : undefined
}

/** A reason with the fault that its code has (contract/reasons.ts). */
function reason(code: keyof typeof REASONS, message: string): NonNullable<RunRecord['reason']> {
  return { code, message, fault: REASONS[code].fault }
}

export function cancelledVerdict(code: NonNullable<RunRecord['cancelReason']>, message: string): Verdict {
  return { state: 'cancelled', results: null, reason: reason(code, message) }
}

/** The end of a run whose leases were lost as often as its suite allows tries. */
export function lostVerdict(attempts: number, lostLeases: number): Verdict {
  const message =
    `The worker was lost ${times(lostLeases)} while it ran this, and the suite allows ${attempts} ` +
    `${attempts === 1 ? 'attempt' : 'attempts'}: the worker, its machine or its network went away. Run it again.`
  return { state: 'errored', results: null, reason: reason('worker_lost', message) }
}

export function abandonedMessage(run: Pick<RunRecord, 'abandonAfterSeconds'>): string {
  return `Nobody asked for the run any more for ${run.abandonAfterSeconds} s, so it was cancelled.`
}

/** The end of a run that was queued for too long, with what it waited for. */
export function overdueVerdict(run: Pick<RunRecord, 'queueTimeoutSeconds' | 'reason'>): Verdict {
  const why = run.reason ? ` ${run.reason.message}` : ''
  const message = `No worker took the run within ${run.queueTimeoutSeconds} s (its queue timeout).${why}`
  return { state: 'errored', results: null, reason: reason('queue_timeout', message) }
}

function times(n: number): string {
  return n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`
}
