import type { PageRequest } from '../ports/page.ts'
import { FACT_KINDS } from '../ports/run-rules.ts'
import type { RunFilter, RunRecord } from '../ports/runs.ts'
import { afterPage, type Database, NEWEST_FIRST, type Where } from './database.ts'
import { runRecord } from './run-record.ts'
import { bucketOf } from './slots.ts'

/** The condition of a list of runs with these filters. */
export function runListFilter(workspace: string, filter: RunFilter, page: PageRequest): Where {
  const { suite, suites, state, since, until } = filter
  const facts = FACT_KINDS.flatMap((kind) => (filter[kind] === undefined ? [] : [`${kind}:${filter[kind]}`]))
  const further: Where[] = [
    // What a limited key may see: a range of the index for each.
    ...(suites === undefined ? [] : [{ suite: { $in: [...new Set(suites)] } }]),
    ...afterPage(page),
  ]
  // What leads the index stands for itself: not every server that is MongoDB-compatible looks for it within an $and.
  return {
    ...{ bucket: bucketOf(workspace), workspace },
    ...(suite === undefined ? {} : { suite }),
    ...(state === undefined ? {} : { state }),
    ...(facts.length === 0 ? {} : { facts: facts.length === 1 ? facts[0] : { $all: facts } }),
    ...(since === undefined && until === undefined ? {} : { createdAt: between(since, until) }),
    ...(further.length === 0 ? {} : { $and: further }),
  }
}

/** Whole milliseconds. Without `$gte`: the stand-in of tests misses the bound itself in an index that goes down. */
const between = (since: number | undefined, until: number | undefined) => ({
  ...(since === undefined ? {} : { $gt: since - 1 }),
  ...(until === undefined ? {} : { $lt: until }),
})

/** The newest runs that all filters let through. */
export async function listRuns(
  db: Database,
  workspace: string,
  filter: RunFilter,
  page: PageRequest,
): Promise<RunRecord[]> {
  const where = runListFilter(workspace, filter, page)
  const found = await db.collection('runs').find(where).sort(NEWEST_FIRST).limit(page.limit).toArray()
  return found.map(runRecord)
}
