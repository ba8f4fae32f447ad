import { BSON, type Collection, type Db, type Document, type Filter, type Sort } from 'mongodb'
import type { PageRequest } from '../ports/page.ts'
import type { CollectionName } from './collections.ts'

/** What is computed where the document is: an aggregation expression. */
export type Expression = Document | string | number | null | boolean
export type Doc = Document & { _id: string }
export type Where = Filter<Doc>

/** Far below the server's 16 MB: whatever may grow (cases, log, artifacts) has documents of its own. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024
const NOW: Expression = { $toLong: '$$NOW' }

export interface DatabaseOptions {
  /** The store's time in ms since 1970, as an expression. Tests give one that they can move; else the server's `$$NOW`. */
  readonly now?: () => Expression
  /** A sharded cluster: claims ask one bucket after the other, and a run is looked for where its workspace is. */
  readonly sharded?: boolean
}

/** The collections, and the few ways of writing that all nouns share. */
export class Database {
  readonly #db: Db
  readonly now: () => Expression
  readonly sharded: boolean

  constructor(db: Db, options: DatabaseOptions = {}) {
    this.#db = db
    this.now = options.now ?? (() => NOW)
    this.sharded = options.sharded ?? false
  }

  collection(name: CollectionName): Collection<Doc> {
    return this.#db.collection<Doc>(name)
  }

  /** An expression: the store's time and so many milliseconds. */
  nowPlus(ms: number | Document | string): Expression {
    return { $add: [this.now(), ms] }
  }

  /** An expression: the date from which on a TTL index may remove the document. */
  goneAt(ms: Expression): Expression {
    return { $toDate: ms }
  }

  /** The store's time, milliseconds since 1970. Good to look for what is over; what is written takes {@link now}. */
  async time(): Promise<number> {
    const [row] = await this.collection('meta')
      .aggregate([{ $match: { _id: 'schema' } }, { $project: { now: this.now() } }])
      .toArray()
    return row!.now
  }

  /**
   * Adds a document, with fields that are computed there (`$$NOW`), and answers it with these. Rejects with a duplicate (errors.ts) when its id or
   * another unique field is taken: an upsert whose condition no document of ours meets, so nothing is ever written over.
   */
  async insert(name: CollectionName, doc: Doc, computed: Record<string, Expression>): Promise<Doc> {
    checkSize(name, doc)
    const where: Where = { _id: doc._id, createdAt: { $exists: false } }
    const made = await this.collection(name).findOneAndUpdate(
      where,
      [{ $replaceWith: { $mergeObjects: [literal(doc), computed] } }],
      {
        upsert: true,
        returnDocument: 'after',
        projection: Object.fromEntries(Object.keys(computed).map((key) => [key, 1])),
      },
    )
    return { ...doc, ...made! }
  }
}

/** A value that is no expression, whatever texts with `$` it holds. */
export function literal(value: unknown): Document {
  return { $literal: value ?? null }
}

/** The stage that sets fields to these values. */
export function set(values: Record<string, unknown>, computed: Record<string, Expression> = {}): Document {
  const plain = Object.entries(values).map(([name, value]) => [name, literal(value)])
  return { $set: { ...Object.fromEntries(plain), ...computed } }
}

/** Throws before anything is sent: servers tell of it in different ways. */
export function checkSize(name: CollectionName, doc: Document): void {
  const bytes = BSON.calculateObjectSize(doc)
  if (bytes <= MAX_DOCUMENT_BYTES) return
  throw new RangeError(`A document of ${bytes} bytes is too large for ${name}: at most ${MAX_DOCUMENT_BYTES} are kept.`)
}

/** Newest first by createdAt, then id. */
export const NEWEST_FIRST: Sort = { createdAt: -1, _id: -1 }

/** What comes after the last item of the page before. */
export function afterPage({ after }: PageRequest): Where[] {
  if (!after) return []
  const { createdAt, id } = after
  return [
    { createdAt: { $lte: createdAt } },
    { $or: [{ createdAt: { $lt: createdAt } }, { createdAt, _id: { $lt: id } }] },
  ]
}

/** Makes records of documents: fields by name, `id` is `_id`, what is absent is null, JSON texts are parsed. */
export function decoder<T>(fields: readonly (keyof T & string)[], json: readonly (keyof T & string)[] = []) {
  const texts = new Set<string>(json)
  return (doc: Document): T => {
    const record: Record<string, unknown> = {}
    for (const name of fields) {
      const value = name === 'id' ? (doc.id ?? doc._id) : (doc[name] ?? null)
      record[name] = texts.has(name) && typeof value === 'string' ? JSON.parse(value) : value
    }
    return record as T
  }
}

/** The id of a document that several names identify together. Only the last or the middle one may hold a slash. */
export const joined = (...names: (string | number)[]) => names.join('/')
