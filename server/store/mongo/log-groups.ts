import type { Database, Doc, Where } from './database.ts'
import { isOnlyDuplicates } from './errors.ts'
import { locate, theRun } from './run-record.ts'

type Chunk = Doc & { run: string; attempt: number; seq: number }
interface Task {
  readonly chunk: Chunk
  readonly done: (answer: 'accepted' | 'lost') => void
  readonly failed: (error: unknown) => void
}

/** One write takes no more than this, so that nothing waits behind a large one. */
const CHUNKS = 500

/**
 * Writes the log chunks of all runs in groups: one look at the runs, one write of the chunks, one note in the runs that
 * wakes their readers. A chunk that comes after a pause is written at once.
 */
export class LogGroups {
  readonly #db: Database
  readonly #groupMs: number
  #tasks: Task[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #lastAt = Number.NEGATIVE_INFINITY

  /** `groupMs`: how far apart writes are at least. Real time: it spares the store, no rule hangs on it. */
  constructor(db: Database, groupMs: number) {
    this.#db = db
    this.#groupMs = groupMs
  }

  append(chunk: Chunk): Promise<'accepted' | 'lost'> {
    return new Promise((done, failed) => {
      this.#tasks.push({ chunk, done, failed })
      this.#plan()
    })
  }

  /** Writes what is still to be written. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    while (this.#writing || this.#tasks.length > 0) await (this.#writing ?? this.#write())
  }

  #plan(): void {
    if (this.#timer || this.#writing || this.#tasks.length === 0) return
    const wait = Math.max(0, this.#lastAt + this.#groupMs - performance.now())
    this.#timer = setTimeout(() => this.#write(), wait)
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const tasks = this.#tasks.splice(0, CHUNKS)
    this.#writing = this.#commit(tasks)
      .catch((error) => {
        for (const task of tasks) task.failed(error)
      })
      .finally(() => {
        this.#lastAt = performance.now()
        this.#writing = undefined
        this.#plan()
      })
    return this.#writing
  }

  async #placesOf(ids: readonly string[]): Promise<Where> {
    if (!this.#db.sharded) return { _id: { $in: [...ids] } }
    return { $or: await Promise.all(ids.map((id) => locate(this.#db, id))) }
  }

  async #commit(tasks: readonly Task[]): Promise<void> {
    const runs = this.#db.collection('runs')
    const ids = [...new Set(tasks.map(({ chunk }) => chunk.run))]
    const rows = await runs
      .aggregate<Doc>([
        { $match: { ...(await this.#placesOf(ids)), state: 'running' } },
        { $project: { bucket: 1, workspace: 1, attempt: 1, now: this.#db.now() } },
      ])
      .toArray()
    const running = new Map(rows.map((row) => [row._id, row]))
    const held = tasks.filter(({ chunk }) => running.get(chunk.run)?.attempt === chunk.attempt)
    const chunks = held.map(({ chunk }) => ({ ...chunk, at: new Date(running.get(chunk.run)!.now) }))
    if (chunks.length > 0) {
      await this.#db
        .collection('run_log')
        .insertMany(chunks, { ordered: false })
        .catch((error) => {
          if (!isOnlyDuplicates(error)) throw error
        })
      await runs.bulkWrite(
        [...newest(chunks)].map(([run, seq]) => ({
          updateOne: {
            filter: { ...theRun(this.#db, running.get(run)!), attempt: running.get(run)!.attempt },
            update: { $max: { logSeq: seq }, $set: { hasLog: true } },
          },
        })),
        { ordered: false },
      )
    }
    for (const task of tasks) task.done(held.includes(task) ? 'accepted' : 'lost')
  }
}

function newest(chunks: readonly Chunk[]): Map<string, number> {
  const seqs = new Map<string, number>()
  for (const { run, seq } of chunks) seqs.set(run, Math.max(seq, seqs.get(run) ?? 0))
  return seqs
}
