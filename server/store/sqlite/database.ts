import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { PageRequest } from '../ports/page.ts'
import { asStoreError } from './errors.ts'
import { GroupCommit, type Pace } from './group-commit.ts'

export type Row = Record<string, SQLOutputValue>
/** Named parameters. Booleans become 0 and 1, objects and lists JSON, undefined NULL; names that a statement lacks are ignored. */
export type Values = Readonly<Record<string, unknown>>

/** Statements on the one connection, each prepared once. Reads see what is committed; writes go through {@link Database.write}. */
export class Database {
  readonly #connection: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #commits: GroupCommit
  /** The store's time, milliseconds since 1970. */
  readonly now: () => number

  constructor(connection: DatabaseSync, options: { now: () => number; patienceMs: number }) {
    this.#connection = connection
    this.#commits = new GroupCommit(connection, options.patienceMs)
    this.now = options.now
  }

  /** The first row. */
  get(sql: string, values: Values = {}): Row | undefined {
    return this.#do(() => this.#prepared(sql).get(encode(values)))
  }

  all(sql: string, values: Values = {}): Row[] {
    return this.#do(() => this.#prepared(sql).all(encode(values)))
  }

  /** How many rows were changed. */
  run(sql: string, values: Values = {}): number {
    return this.#do(() => Number(this.#prepared(sql).run(encode(values)).changes))
  }

  /** Does the work atomically and durably; see {@link GroupCommit.write}. The work is synchronous and short. */
  write<T>(work: () => T, pace?: Pace): Promise<T> {
    return this.#commits.write(work, pace)
  }

  close(): void {
    this.#commits.close()
    this.#statements.clear()
    if (this.#connection.isOpen) this.#connection.close()
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#connection.prepare(sql, { allowUnknownNamedParameters: true })
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #do<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw asStoreError(error)
    }
  }
}

function encode(values: Values): Record<string, SQLInputValue> {
  const encoded: Record<string, SQLInputValue> = {}
  for (const name in values) {
    const value = values[name]
    encoded[name] =
      typeof value === 'string' || typeof value === 'number'
        ? value
        : value === null || value === undefined
          ? null
          : typeof value === 'boolean'
            ? Number(value)
            : JSON.stringify(value)
  }
  return encoded
}

/**
 * Makes records of rows whose columns are named like the record's fields: those that are JSON are parsed, flags become
 * booleans. The row itself becomes the record: it was made for this, and a copy would cost as much as the read.
 */
export function decoder<T>(columns: { json?: readonly (keyof T & string)[]; flags?: readonly (keyof T & string)[] }) {
  return (row: Row): T => {
    const record: Record<string, unknown> = row
    for (const name of columns.json ?? []) {
      const text = record[name]
      record[name] = typeof text === 'string' ? JSON.parse(text) : null
    }
    for (const name of columns.flags ?? []) record[name] = record[name] === 1
    return record as T
  }
}

/** The end of every statement that answers a page: newest first by createdAt, then id. Its values are {@link pageValues}. */
export const PAGE = '(createdAt, id) < (:beforeAt, :beforeId) ORDER BY createdAt DESC, id DESC LIMIT :limit'

export function pageValues(page: PageRequest) {
  return {
    beforeAt: page.after?.createdAt ?? Number.MAX_SAFE_INTEGER,
    beforeId: page.after?.id ?? '',
    limit: page.limit,
  }
}
