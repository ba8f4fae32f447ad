import { dayOf } from '../ports/run-rules.ts'
import type { NewRun, RunRecord } from '../ports/runs.ts'
import { type Database, joined } from './database.ts'
import { isDuplicate } from './errors.ts'
import { addUsage, type UsageLine } from './usage-lines.ts'

/** So long runs are counted in memory at most. Real time: it spares the store, no rule hangs on it. */
const WRITE_EVERY_MS = 500

type Line = UsageLine & { runs: number; runMs: number }

/** What runs add to the usage, on its way: no run waits for statistics, and many share a write. A process that dies loses the last moment's. */
class RunCounts {
  readonly #db: Database
  #lines = new Map<string, Line>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(db: Database) {
    this.#db = db
  }

  add(line: Line): void {
    const { day, user, key } = line
    const name = joined(day, user, key)
    const known = this.#lines.get(name)
    this.#lines.set(name, known ? { ...line, runs: known.runs + line.runs, runMs: known.runMs + line.runMs } : line)
    this.#timer ??= setTimeout(() => void this.write().catch(() => undefined), WRITE_EVERY_MS).unref()
  }

  /** Resolves when all that was counted before is in the store. What cannot be written is tried again with what comes next. */
  write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#writeLines())
    return this.#writing
  }

  async #writeLines(): Promise<void> {
    const lines = [...this.#lines.values()]
    this.#lines = new Map()
    try {
      await addUsage(this.#db, lines)
    } catch (error) {
      for (const line of lines) this.add(line)
      throw error
    }
  }
}

const counts = new WeakMap<Database, RunCounts>()

function countsOf(db: Database): RunCounts {
  const known = counts.get(db) ?? new RunCounts(db)
  counts.set(db, known)
  return known
}

function count(db: Database, { triggeredBy, createdAt }: RunRecord, amounts: { runs?: number; runMs?: number }): void {
  const { userId, id } = triggeredBy
  if (userId === null) return
  countsOf(db).add({ day: dayOf(createdAt), user: userId, key: id ?? '', runs: 0, runMs: 0, ...amounts })
}

export const countRun = (db: Database, run: RunRecord): void => count(db, run, { runs: 1 })

export function countRunTime(db: Database, run: RunRecord): void {
  if (run.startedAt === null || run.finishedAt === null) return
  count(db, run, { runMs: Math.max(0, run.finishedAt - run.startedAt) })
}

/** Brings what was counted into the store. */
export const settleRunUsage = (db: Database): Promise<void> => countsOf(db).write()

/**
 * Takes one of the runs that the user may start today (UTC), so that no race goes past the limit. Answers how to give it
 * back, or undefined when there is none left.
 */
export async function takeQuota(
  db: Database,
  run: NewRun,
  maxPerDay: number | null,
): Promise<(() => Promise<void>) | undefined> {
  const user = run.triggeredBy.userId
  if (maxPerDay === null || user === null) return async () => undefined
  const quotas = db.collection('run_quotas')
  const now = await db.time()
  const _id = joined(user, dayOf(now))
  if (!(await quotas.findOne({ _id }, { projection: { _id: 1 } }))) {
    // The user has a limit since a moment ago: what was started today counts.
    await settleRunUsage(db)
    const lines = await db
      .collection('usage')
      .find({ user, day: dayOf(now) })
      .toArray()
    const started = lines.reduce((sum, { runs }) => sum + runs, 0)
    await quotas.insertOne({ _id, started, gone: new Date(now + 2 * 24 * 3600_000) }).catch((error) => {
      if (!isDuplicate(error)) throw error
    })
  }
  const { matchedCount } = await quotas.updateOne({ _id, started: { $lt: maxPerDay } }, { $inc: { started: 1 } })
  if (matchedCount === 0) return undefined
  return async () => {
    await quotas.updateOne({ _id }, { $inc: { started: -1 } })
  }
}
