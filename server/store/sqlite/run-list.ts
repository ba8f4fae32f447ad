import type { PageRequest } from '../ports/page.ts'
import { FACT_KINDS } from '../ports/run-rules.ts'
import type { RunFilter, RunRecord } from '../ports/runs.ts'
import { type Database, pageValues } from './database.ts'
import { RUN_COLUMNS, runRecord } from './run-record.ts'

/**
 * The statement of a list with these filters. It walks the index of its most telling filter (a fact, else suite and state)
 * from the newest on, and stops when the page is full.
 */
export function runListSql(filtered: ReadonlySet<keyof RunFilter>): string {
  const [fact, ...furtherFacts] = FACT_KINDS.filter((kind) => filtered.has(kind))
  const columns = RUN_COLUMNS.replace(/\w+/g, 'r.$&')
  const order = fact ? { createdAt: 'f.createdAt', id: 'f.run' } : { createdAt: 'r.createdAt', id: 'r.id' }
  const conditions = [
    `(${order.createdAt}, ${order.id}) < (:beforeAt, :beforeId)`,
    `${order.createdAt} >= :since`,
    ...(fact
      ? [`f.workspace = :workspace AND f.kind = '${fact}' AND f.value = :${fact}`]
      : ['r.workspace = :workspace']),
    ...(filtered.has('suite') ? ['r.suite = :suite'] : []),
    ...(filtered.has('state') ? ['r.state = :state'] : []),
    ...furtherFacts.map(
      (kind) => `EXISTS (SELECT 1 FROM run_facts x WHERE x.workspace = :workspace AND x.kind = '${kind}'
        AND x.value = :${kind} AND x.createdAt = r.createdAt AND x.run = r.id)`,
    ),
  ]
  // The planner does not know how many runs a workspace has: CROSS JOIN and INDEXED BY say what leads
  // (https://sqlite.org/optoverview.html#crossjoin, https://sqlite.org/lang_indexedby.html).
  const from = fact ? 'run_facts f CROSS JOIN runs r ON r.id = f.run' : `runs r INDEXED BY ${indexOf(filtered)}`
  return `SELECT ${columns} FROM ${from}
    WHERE ${conditions.join(' AND ')} ORDER BY ${order.createdAt} DESC, ${order.id} DESC LIMIT :limit`
}

function indexOf(filtered: ReadonlySet<keyof RunFilter>): string {
  if (filtered.has('suite')) return filtered.has('state') ? 'runs_suite_state' : 'runs_suite'
  return filtered.has('state') ? 'runs_state' : 'runs_created'
}

/** The newest runs that all filters let through. */
export function listRuns(db: Database, workspace: string, filter: RunFilter, page: PageRequest): RunRecord[] {
  const { suites, suite, ...others } = filter
  const names = suites?.filter((name) => suite === undefined || name === suite)
  if (!names) return listOfOne(db, workspace, filter, page)
  // The suites that a limited key may see: each has its index range, and the newest of all are the page.
  return [...new Set(names)]
    .flatMap((name) => listOfOne(db, workspace, { ...others, suite: name }, page))
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    .slice(0, page.limit)
}

function listOfOne(db: Database, workspace: string, filter: RunFilter, page: PageRequest): RunRecord[] {
  const filtered = new Set(Object.keys(filter) as (keyof RunFilter)[])
  for (const name of filtered) if (filter[name] === undefined) filtered.delete(name)
  const values = { ...filter, workspace, since: filter.since ?? 0, ...pageValues(page) }
  // Ids are never empty, so (until, '') is the end of what was made before `until`.
  if (filter.until !== undefined && filter.until <= values.beforeAt) {
    Object.assign(values, { beforeAt: filter.until, beforeId: '' })
  }
  return db.all(runListSql(filtered), values).map(runRecord)
}
