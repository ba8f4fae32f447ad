import { REASONS, type ReasonCode } from '../../contract/reasons.ts'
import { checkVerdict } from '../../report/verdict.ts'
import type { Outcome } from '../../worker/work.ts'
import type { Verdict } from '../store/ports/runs.ts'

/** Made by the server itself; a worker that says one of these is broken. */
const NOT_A_WORKERS: readonly ReasonCode[] = ['worker_lost', 'no_runner', 'queue_timeout']

/** A worker tells counts and reason; state and fault follow from them, and what contradicts itself is never green. */
export function verdictOf({ results, reason }: Outcome): Verdict {
  const checked = checkVerdict(results, reason)
  const problem =
    reason !== null && NOT_A_WORKERS.includes(reason.code)
      ? `a worker may not say ${reason.code}`
      : 'problem' in checked && checked.problem
  if (problem !== false || 'problem' in checked) {
    const message = `The worker handed in a verdict that contradicts itself: ${problem}.`
    return {
      state: REASONS.internal.state,
      results: null,
      reason: { code: 'internal', message, fault: REASONS.internal.fault },
    }
  }
  return { ...checked.verdict, results }
}
