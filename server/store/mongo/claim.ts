import type { RunRecord } from '../ports/runs.ts'
import { type Attempt, oncePerProcess } from './claim-attempt.ts'
import type { Database, Doc, Where } from './database.ts'
import { isDuplicate } from './errors.ts'
import { starting } from './run-changes.ts'
import { changeRun, runRecord, theRun } from './run-record.ts'
import { BUCKETS, bucketOf, freeSlot } from './slots.ts'
import { inTurnOf } from './user-turn.ts'

/** How many of the oldest runs are looked at before lanes are: nearly always one of them has a free slot. */
const OLDEST = 16
/** Each time, another worker took the slot or the run that was seen free. */
const TRIES = 100

const SEEN = {
  workspace: 1,
  bucket: 1,
  suite: 1,
  concurrency: 1,
  lane: 1,
  user: 1,
  createdAt: 1,
  runsOn: 1,
  version: 1,
}

export interface ClaimOptions {
  readonly leaseMs: number
  readonly perWorkspace: number
  /** Only its runs are looked at. */
  readonly workspace?: string
}
interface Worker {
  readonly id: string
  readonly labels: readonly string[]
}

/** Where nothing more is to be had in this claim: a full workspace, a full lane (or its user's limit). */
type Refused = Set<string>

let turn = 0

/**
 * Claims the oldest queued run that these labels may take and whose workspace, suite and user have a free slot. On a sharded
 * cluster it asks bucket after bucket, each time beginning with another, and the oldest is the oldest of its bucket.
 */
export async function claimOldest(db: Database, worker: Worker, options: ClaimOptions): Promise<RunRecord | undefined> {
  const { workspace } = options
  if (workspace !== undefined) return claimAmong(db, { bucket: bucketOf(workspace), workspace }, worker, options)
  if (!db.sharded) return claimAmong(db, {}, worker, options)
  turn = (turn + 1) % BUCKETS
  for (let i = 0; i < BUCKETS; i++) {
    const run = await claimAmong(db, { bucket: (turn + i) % BUCKETS }, worker, options)
    if (run) return run
  }
  return undefined
}

async function claimAmong(
  db: Database,
  place: Where,
  worker: Worker,
  options: ClaimOptions,
): Promise<RunRecord | undefined> {
  const refused: Refused = new Set()
  for (let tries = 0; tries < TRIES; tries++) {
    const oldest = await oldestRuns(db, place, worker.labels)
    const first = await claimFirst(db, oldest, refused, worker, options)
    if (first.run || oldest.length < OLDEST) return first.run
    // All that stand in front have to wait: the first of every lane shows who does not.
    const heads = await headsOfLanes(db, place, worker.labels)
    const next = await claimFirst(db, heads, refused, worker, options)
    if (next.run || !next.raced) return next.run
  }
  return undefined
}

export function queuedFor(place: Where, labels: readonly string[]): Where {
  return { state: 'queued', ...place, runsOn: { $not: { $elemMatch: { $nin: [...labels] } } } } as Where
}

async function oldestRuns(db: Database, place: Where, labels: readonly string[]): Promise<Doc[]> {
  return db
    .collection('runs')
    .find(queuedFor(place, labels), { projection: SEEN })
    .sort({ createdAt: 1, _id: 1 })
    .limit(OLDEST)
    .toArray()
}

export function laneHeads(place: Where): object[] {
  const order = { ...('bucket' in place ? { bucket: 1 } : {}), state: 1, lane: 1, createdAt: 1, _id: 1 }
  const first = { createdAt: { $first: '$createdAt' }, id: { $first: '$_id' } }
  return [{ $match: { ...place, state: 'queued' } }, { $sort: order }, { $group: { _id: '$lane', ...first } }]
}

/** The oldest run of every lane, oldest first: walks an index of queued runs only, and reads the documents of the first ones. */
async function headsOfLanes(db: Database, place: Where, labels: readonly string[]): Promise<Doc[]> {
  const heads = await db.collection('runs').aggregate(laneHeads(place)).toArray()
  const known = new Set(labels)
  const mine = heads.filter(({ _id }) => (JSON.parse(_id)[3] as string[]).every((label) => known.has(label)))
  const ids = mine.map(({ id }) => id as string)
  return db
    .collection('runs')
    .find({ ...place, _id: { $in: ids } }, { projection: SEEN })
    .sort({ createdAt: 1, _id: 1 })
    .toArray()
}

/** Claims the first one that can be. `raced`: one is being taken by somebody else, so that its lane has another head then. */
async function claimFirst(db: Database, candidates: Doc[], refused: Refused, worker: Worker, options: ClaimOptions) {
  let raced = false
  const limits = await limitsOf(db, candidates)
  for (const candidate of candidates) {
    if (refused.has(candidate.workspace) || refused.has(candidate.lane)) continue
    const limit = limits.get(candidate.user)
    const attempt = await oncePerProcess(db, candidate, () =>
      limit === undefined
        ? claimRun(db, candidate, worker, options)
        : claimForUser(db, candidate, limit, worker, options),
    )
    if (attempt === 'gone') raced = true
    else if ('run' in attempt) return { run: attempt.run, raced }
    else refused.add(attempt.full)
  }
  return { run: undefined, raced }
}

/** How many runs at once those users may have who have a limit. */
async function limitsOf(db: Database, candidates: Doc[]): Promise<Map<string, number>> {
  const users = [...new Set(candidates.flatMap(({ user }) => (user ? [user as string] : [])))]
  if (users.length === 0) return new Map()
  const where = { _id: { $in: users }, 'limits.runningAtOnce': { $type: 'number' } }
  const limited = await db
    .collection('users')
    .find(where, { projection: { limits: 1 } })
    .toArray()
  return new Map(limited.map(({ _id, limits }) => [_id, limits.runningAtOnce]))
}

/** As {@link claimRun}, for a user who may have only so many running over all workspaces. */
async function claimForUser(
  db: Database,
  candidate: Doc,
  limit: number,
  worker: Worker,
  options: ClaimOptions,
): Promise<Attempt> {
  const { user, lane } = candidate
  const runs = db.collection('runs')
  const isFull = async () => (await runs.countDocuments({ user, state: 'running' })) >= limit
  if (await isFull()) return { full: lane }
  const attempt = await inTurnOf(db, user, async (inTurn): Promise<Attempt> => {
    return (await isFull()) ? { full: lane } : claimRun(db, candidate, worker, options, inTurn)
  })
  // It was not the run that was gone, but the turn: the run is for a later claim.
  const isQueued = () => runs.findOne({ ...theRun(db, candidate), state: 'queued' }, { projection: { _id: 1 } })
  const isLate = attempt === 'gone' && (await isQueued()) !== null
  return attempt === undefined || isLate ? { full: lane } : attempt
}

/**
 * Tries to start the run in slots that look free. Unique indexes decide: there are never two runs in one slot. Slots are
 * below the limit of the run that asks, and all that run are counted, also those that hold slots above it.
 */
async function claimRun(
  db: Database,
  candidate: Doc,
  worker: Worker,
  options: ClaimOptions,
  further: Where = {},
): Promise<Attempt> {
  const runs = db.collection('runs')
  const { _id, bucket, workspace, suite, concurrency, lane } = candidate
  for (let tries = 0; tries < TRIES; tries++) {
    const running = await runs
      .find({ bucket, workspace, state: 'running' }, { projection: { suite: 1, suiteSlot: 1, workspaceSlot: 1 } })
      .toArray()
    const pick = (among: Doc[], field: string, limit: number) =>
      among.length >= limit ? undefined : freeSlot(_id, limit, new Set(among.map((one) => one[field])))
    const workspaceSlot = pick(running, 'workspaceSlot', options.perWorkspace)
    if (workspaceSlot === undefined) return { full: workspace }
    const suiteSlot = pick(
      running.filter((one) => one.suite === suite),
      'suiteSlot',
      concurrency,
    )
    if (suiteSlot === undefined) return { full: lane }
    try {
      const stages = starting(db, worker.id, options.leaseMs, { workspaceSlot, suiteSlot })
      const started = await changeRun(db, theRun(db, candidate), { state: 'queued', ...further }, stages)
      return started ? { run: runRecord(started) } : 'gone'
    } catch (error) {
      if (!isDuplicate(error)) throw error
    }
  }
  return { full: lane }
}
