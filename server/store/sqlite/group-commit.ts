import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { StoreError } from '../ports/store.ts'
import { asStoreError } from './errors.ts'

/** `soon`: with the next turn of the event loop. `patient`: may wait a little for others, since nobody stands by. */
export type Pace = 'soon' | 'patient'

interface Task {
  readonly pace: Pace
  readonly work: () => unknown
  readonly done: (answer: unknown) => void
  readonly failed: (error: unknown) => void
}

/** A transaction takes on no further work after this, so that the event loop is never held for long. */
const LONGEST_MS = 8

/**
 * All writes. Those of one turn of the event loop share one transaction and so one fsync, in the order in which they were
 * asked for; each is undone by itself when it fails, and answered only when the commit is on disk.
 */
export class GroupCommit {
  readonly #connection: DatabaseSync
  readonly #patienceMs: number
  /** Prepared once: each task needs them. */
  readonly #begin: StatementSync
  readonly #end: StatementSync
  #tasks: Task[] = []
  #soon: NodeJS.Immediate | undefined
  #later: NodeJS.Timeout | undefined
  #lastPatientCommit = Number.NEGATIVE_INFINITY
  #closed = false

  /** `patienceMs`: how far apart commits are that only patient writes ask for. Real time: it spares the disk, no rule hangs on it. */
  constructor(connection: DatabaseSync, patienceMs: number) {
    this.#connection = connection
    this.#begin = connection.prepare('SAVEPOINT task')
    this.#end = connection.prepare('RELEASE task')
    this.#patienceMs = patienceMs
  }

  /** What `work` answered, once it is durable. Rejects with what it threw, or with a {@link StoreError}; then nothing of it was written. */
  write<T>(work: () => T, pace: Pace = 'soon'): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError('unavailable', 'The store is closed.'))
    return new Promise<T>((resolve, reject) => {
      this.#tasks.push({ pace, work, done: (answer) => resolve(answer as T), failed: reject })
      const wait = pace === 'soon' ? 0 : this.#lastPatientCommit + this.#patienceMs - performance.now()
      if (wait <= 0) this.#soon ??= setImmediate(() => this.#commit())
      else this.#later ??= setTimeout(() => this.#commit(), wait)
    })
  }

  /** Commits what is still to be written and takes nothing more. */
  close(): void {
    this.#closed = true
    while (this.#tasks.length > 0) this.#commit()
  }

  #commit(): void {
    clearImmediate(this.#soon)
    clearTimeout(this.#later)
    this.#soon = undefined
    this.#later = undefined
    const taken: Task[] = []
    const answers: (() => void)[] = []
    try {
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK')
      this.#connection.exec('BEGIN IMMEDIATE')
      const start = performance.now()
      do {
        const task = this.#tasks.shift()!
        taken.push(task)
        answers.push(this.#attempt(task))
      } while (this.#tasks.length > 0 && performance.now() - start < LONGEST_MS)
      this.#connection.exec('COMMIT')
    } catch (error) {
      // The transaction as a whole failed: disk full, disk error.
      this.#rollBack()
      if (taken.length === 0) taken.push(...this.#tasks.splice(0))
      const told = asStoreError(error)
      for (const task of taken) task.failed(told)
      answers.length = 0
    }
    // A commit that others needed anyway costs patient writes nothing: a run's only line of log does not wait.
    if (taken.every(({ pace }) => pace === 'patient')) this.#lastPatientCommit = performance.now()
    for (const answer of answers) answer()
    if (this.#tasks.length > 0) this.#soon ??= setImmediate(() => this.#commit())
  }

  #rollBack(): void {
    try {
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK')
    } catch {
      // The disk may refuse this, too. The next commit tries it again before it begins.
    }
  }

  /** Does one task inside the transaction. Its own mistake undoes only itself; an outage is thrown on. */
  #attempt(task: Task): () => void {
    this.#begin.run()
    try {
      const answer = task.work()
      this.#end.run()
      return () => task.done(answer)
    } catch (error) {
      if (asStoreError(error) instanceof StoreError || !this.#connection.isTransaction) throw error
      this.#connection.exec('ROLLBACK TO task')
      this.#end.run()
      return () => task.failed(error)
    }
  }
}
