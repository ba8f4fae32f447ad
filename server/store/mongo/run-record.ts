import type { requestOf } from '../ports/run-rules.ts'
import type { NewRun, RunRecord } from '../ports/runs.ts'
import type { Database, Doc, Where } from './database.ts'
import { bucketOf } from './slots.ts'

/** Where a run's document is: with these every write asks one shard. */
export interface RunTarget {
  readonly _id: string
  readonly bucket: number
  readonly workspace: string
}

/** A run's document: fields of {@link RunRecord} that change or are searched, `request` as JSON, and what only the store knows. */
export type RunDoc = Doc &
  RunTarget & {
    readonly state: RunRecord['state']
    readonly version: number
    readonly attempt: number
    readonly cancelReason: RunRecord['cancelReason']
    readonly cancelMessage?: string
    readonly leaseEndsAt?: number
    readonly user?: string
  }

type Request = ReturnType<typeof requestOf>
const CHANGING = [
  ...([
    'workspace',
    'suite',
    'state',
    'version',
    'attempt',
    'lostLeases',
    'createdAt',
    'startedAt',
    'finishedAt',
  ] as const),
  ...(['results', 'reason', 'sealedSecrets', 'artifacts', 'cancelReason'] as const),
]

export function runRecord(doc: Doc): RunRecord {
  const request: Request = JSON.parse(doc.request)
  const changing = CHANGING.map((name) => [name, doc[name] ?? null])
  return { ...request, id: doc._id, ...Object.fromEntries(changing) }
}

export const target = ({ _id, bucket, workspace }: Doc): RunTarget => ({ _id, bucket, workspace })

/** The condition that finds this run, and names its shard where there are several. */
export const theRun = (db: Database, run: Doc): Where => (db.sharded ? { ...target(run) } : { _id: run._id })
export const targetOf = ({ id, workspace }: Pick<NewRun, 'id' | 'workspace'>): RunTarget => ({
  ...{ _id: id, bucket: bucketOf(workspace), workspace },
})

/** {@link theRun}, for many of them. */
export function theseRuns(db: Database, runs: readonly Doc[]): Where {
  const all = (field: string) => ({ $in: [...new Set(runs.map((run) => run[field]))] })
  return db.sharded ? { _id: all('_id'), bucket: all('bucket'), workspace: all('workspace') } : { _id: all('_id') }
}

/** How many runs' workspaces a node remembers, so that it asks the one right shard for them. */
const REMEMBERED = 50_000
const places = new WeakMap<Database, Map<string, string>>()

/**
 * The condition that finds a run by its id. On a sharded cluster it names the shard, too: the first time that a node meets
 * the run it asks all, once.
 */
export async function locate(db: Database, id: string): Promise<Where> {
  if (!db.sharded) return { _id: id }
  const known = places.get(db) ?? new Map<string, string>()
  places.set(db, known)
  let workspace = known.get(id)
  if (workspace === undefined) {
    workspace = (await db.collection('runs').findOne({ _id: id }, { projection: { workspace: 1 } }))
      ?.workspace as string
    if (workspace === undefined) return { _id: id, bucket: -1, workspace: '' }
    known.set(id, workspace)
    if (known.size > REMEMBERED) known.delete(known.keys().next().value!)
  }
  return { ...targetOf({ id, workspace }) }
}

export async function getRun(db: Database, id: string): Promise<RunDoc | undefined> {
  return ((await db.collection('runs').findOne(await locate(db, id))) as RunDoc | null) ?? undefined
}

/**
 * Changes the run at that place if it is as `when` says, and answers it as it is then. An update and a look by the id instead of
 * one findAndModify: for that the server keeps an image of what it answered, and a MongoDB-compatible one may look through
 * the whole collection.
 */
export async function changeRun(
  db: Database,
  place: Where,
  when: Where,
  stages: object[],
): Promise<RunDoc | undefined> {
  const runs = db.collection('runs')
  const { matchedCount } = await runs.updateOne({ ...place, ...when }, stages)
  return matchedCount === 0 ? undefined : (((await runs.findOne(place)) as RunDoc | null) ?? undefined)
}

/** The run, while the attempt holds its lease: the fence of everything that a worker hands in. */
export async function heldRun(db: Database, lease: { run: string; attempt: number }): Promise<RunTarget | undefined> {
  const where = { ...(await locate(db, lease.run)), attempt: lease.attempt, state: 'running' }
  const held = await db.collection('runs').findOne(where, { projection: { bucket: 1, workspace: 1 } })
  return held ? target(held) : undefined
}

/**
 * Queued runs of one lane may be claimed by the same workers at the same time. A user's have lanes of their own, so that
 * one who may run only so many at once holds up nobody else.
 */
export function laneOf({ workspace, suite, definition, triggeredBy }: NewRun): string {
  return JSON.stringify([workspace, suite, definition.concurrency, definition.runsOn, triggeredBy.userId])
}
