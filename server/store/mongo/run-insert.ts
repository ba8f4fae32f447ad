import { factsOf, requestOf } from '../ports/run-rules.ts'
import type { NewRun } from '../ports/runs.ts'
import { checkSize, type Database, type Doc } from './database.ts'
import { duplicatesOf } from './errors.ts'
import { Groups } from './groups.ts'
import { toldAtFirst } from './run-news.ts'
import { laneOf, targetOf } from './run-record.ts'

export interface Idempotent {
  readonly key: string
  readonly meaning: string
}

/**
 * Adds queued runs, with the idempotency key that comes with them. Rejects with a duplicate (errors.ts) when another run has
 * it. A group is one look at the store's time, later than its runs were asked for and earlier than they are there, and one
 * write.
 */
export function runInserts(db: Database): (run: NewRun, idempotency: Idempotent | undefined) => Promise<Doc> {
  const groups = new Groups<{ run: NewRun; doc: Doc }, Doc>(async (items) => {
    const now = await db.time()
    const docs = items.map(({ run, doc }) => ({ ...doc, ...stampsOf(run, now), ...toldAtFirst(doc, now) }))
    const taken = await insertAll(db, docs)
    return docs.map((value, index) =>
      taken?.indexes.has(index) ? { status: 'rejected', reason: taken.error } : { status: 'fulfilled', value },
    )
  })
  return async (run, idempotency) => {
    const doc = docOf(run, idempotency)
    // What is too large is no other run's concern.
    checkSize('runs', doc)
    return groups.do({ run, doc })
  }
}

/** Those that a unique index refused, or undefined when all are there. */
async function insertAll(db: Database, docs: Doc[]): Promise<{ error: unknown; indexes: Set<number> } | undefined> {
  try {
    await db.collection('runs').insertMany(docs, { ordered: false })
    return undefined
  } catch (error) {
    const indexes = duplicatesOf(error)
    if (!indexes) throw error
    return { error, indexes: new Set(indexes) }
  }
}

function docOf(run: NewRun, idempotency: Idempotent | undefined): Doc {
  const { definition, abandonAfterSeconds } = run
  const user = run.triggeredBy.userId
  return {
    ...targetOf(run),
    ...{ suite: run.suite, state: 'queued', version: 1, attempt: 0, lostLeases: 0, artifacts: 0 },
    ...{ startedAt: null, finishedAt: null, results: null, reason: null, cancelReason: null },
    ...{ sealedSecrets: run.sealedSecrets, request: JSON.stringify(requestOf(run)), open: true },
    ...{ lane: laneOf(run), runsOn: definition.runsOn, concurrency: definition.concurrency },
    ...{ archive: definition.archive ?? null, facts: factsOf(run).map(({ kind, value }) => `${kind}:${value}`) },
    ...(user === null ? {} : { user }),
    ...(idempotency ? { idempotencyKey: idempotency.key, idempotencyMeaning: idempotency.meaning } : {}),
    ...(abandonAfterSeconds === null ? {} : { abandonAfterSeconds }),
  }
}

function stampsOf({ queueTimeoutSeconds, abandonAfterSeconds }: NewRun, now: number) {
  return {
    ...{ createdAt: now, watchedAt: now, queueEndsAt: now + queueTimeoutSeconds * 1000 },
    ...(abandonAfterSeconds === null ? {} : { abandonAt: now + abandonAfterSeconds * 1000 }),
  }
}
