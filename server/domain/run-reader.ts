import type { CaseState } from '../../contract/case-limits.ts'
import type { Case } from '../../contract/cases.ts'
import { isId } from '../../contract/ids.ts'
import type { Page } from '../../contract/pages.ts'
import { isFinal } from '../../contract/reasons.ts'
import type { Run, RunQuery } from '../../contract/runs.ts'
import type { RunFilter, RunRecord } from '../store/ports/runs.ts'
import type { Store } from '../store/ports/store.ts'
import { type Caller, mayUseSuite } from './caller.ts'
import { pageOf, pageRequest } from './paging.ts'
import { Problem } from './problem.ts'
import { runView } from './run-view.ts'

/** Runs as they are now. */
export interface RunReader {
  /**
   * The run's record, if it is of the caller's workspace and suites; throws `not_found` otherwise. Whoever started a run
   * and asks for it is not away: that is noted.
   */
  record(caller: Caller, id: string): Promise<RunRecord>
  list(caller: Caller, query: RunQuery): Promise<Page<Run>>
  /** Cases of the run's present attempt, in the order of the report; a page's cursor is the id of its last case. */
  cases(caller: Caller, id: string, query: { state?: CaseState; cursor?: string; limit?: string }): Promise<Page<Case>>
}

export function runReader(options: { store: Store; publicUrl: string }): RunReader {
  const { store } = options

  async function record(caller: Caller, id: string): Promise<RunRecord> {
    const run = isId('run', id) ? await store.runs.get(id) : undefined
    if (!run || run.workspace !== caller.workspace || !mayUseSuite(caller, run.suite)) {
      throw new Problem('not_found', `There is no run ${id.slice(0, 40)} in this workspace.`)
    }
    if (run.abandonAfterSeconds !== null && run.triggeredBy.id === caller.key && !isFinal(run.state)) {
      // A note that cannot be made, as on a full disk, must not cost the answer.
      await store.runs.markWatched(run.id).catch(() => undefined)
    }
    return run
  }

  return {
    record,
    async list(caller, query) {
      const { limit: _limit, cursor: _cursor, since, until, ...equal } = query
      const page = pageRequest(query)
      const filter: RunFilter = {
        ...equal,
        ...(since === undefined ? {} : { since: Date.parse(since) }),
        ...(until === undefined ? {} : { until: Date.parse(until) }),
        ...(caller.suites === null ? {} : { suites: caller.suites }),
      }
      const runs = await store.runs.list(caller.workspace, filter, { ...page, limit: page.limit + 1 })
      return pageOf(runs, page.limit, (run) => runView(run, options.publicUrl))
    },
    async cases(caller, id, query) {
      const run = await record(caller, id)
      const { limit } = pageRequest(query.limit === undefined ? {} : { limit: query.limit })
      const afterId = query.cursor === undefined ? 0 : Number(query.cursor)
      if (!/^\d{1,9}$/.test(query.cursor ?? '0'))
        throw new Problem('invalid_cursor', 'The cursor is not one that this list gave. Leave it out to begin anew.')
      const found = await store.cases.list(run.id, run.attempt, {
        ...(query.state ? { state: query.state } : {}),
        afterId,
        limit: limit + 1,
      })
      const items = found.slice(0, limit)
      return { items, next: found.length > limit ? String(items.at(-1)?.id) : null }
    },
  }
}
