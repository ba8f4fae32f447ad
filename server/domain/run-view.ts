import type { Run } from '../../contract/runs.ts'
import type { RunRecord } from '../store/ports/runs.ts'

/** A run as clients see it. `publicUrl` has no trailing slash. */
export function runView(run: Omit<RunRecord, 'definition' | 'sealedSecrets' | 'cancelReason'>, publicUrl: string): Run {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString())
  return {
    id: run.id,
    workspace: run.workspace,
    suite: run.suite,
    revision: run.revision,
    source: run.source,
    state: run.state,
    version: run.version,
    attempt: run.attempt,
    url: `${publicUrl}/v1/runs/${run.id}`,
    webUrl: null,
    createdAt: new Date(run.createdAt).toISOString(),
    startedAt: iso(run.startedAt),
    finishedAt: iso(run.finishedAt),
    queuedMs: run.startedAt === null ? null : Math.max(0, run.startedAt - run.createdAt),
    durationMs: run.startedAt === null || run.finishedAt === null ? null : Math.max(0, run.finishedAt - run.startedAt),
    results: run.results,
    reason: run.reason,
    variables: run.variables,
    labels: run.labels,
    rerunOf: run.rerunOf,
    triggeredBy: run.triggeredBy,
    ci: run.ci,
    artifacts: run.artifacts,
  }
}
