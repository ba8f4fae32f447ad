import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { BSON, type Db } from 'mongodb'
import type { CollectionName } from '../mongo/collections.ts'
import { checkSize, type Doc } from '../mongo/database.ts'
import { StoreError } from '../ports/store.ts'
import { documentOf, type Reading } from './tables.ts'

/** One write or look takes no more than this, so that it is far below the limit of a message (48 MB). */
const BATCH = { documents: 500, bytes: 4_000_000 }

export interface CopiedCollection {
  readonly name: CollectionName
  readonly documents: number
  /** SHA-256 over the documents as they are in the source, and were read back from the target. */
  readonly sha256: string
}

/**
 * Makes the collection what the source says, and reads it back. What is there already and is the same stays; what differs
 * goes before anything is added, so that no unique value is in the way. Throws a {@link StoreError} when the two differ then.
 */
export async function copyCollection(
  source: DatabaseSync,
  target: Db,
  name: CollectionName,
  reading: Reading,
): Promise<CopiedCollection> {
  const collection = target.collection<Doc>(name)
  if ((await collection.findOne({}, { projection: { _id: 1 } })) !== null) await tidy(source, target, name, reading)
  for (const docs of batches(source, reading)) {
    const ids = docs.map(({ _id }) => _id)
    const there = new Set(
      (await collection.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray()).map(idOf),
    )
    const missing = docs.filter(({ _id }) => !there.has(_id))
    for (const doc of missing) checkDocument(name, doc)
    if (missing.length > 0) await collection.insertMany(missing, { ordered: false })
  }
  return verified(source, target, name, reading)
}

/** Removes what an earlier try left that the source does not say, or not any more. */
async function tidy(source: DatabaseSync, target: Db, name: CollectionName, reading: Reading): Promise<void> {
  const collection = target.collection<Doc>(name)
  let same = 0
  for (const docs of batches(source, reading)) {
    const wanted = new Map(docs.map((doc) => [doc._id, bytesOf(doc)]))
    const there = await collection.find({ _id: { $in: [...wanted.keys()] } }).toArray()
    const other = there.filter((doc) => !wanted.get(doc._id)?.equals(bytesOf(doc)))
    same += there.length - other.length
    if (other.length > 0) await collection.deleteMany({ _id: { $in: other.map(idOf) } })
  }
  // Some are of no row: rare enough to begin the collection anew.
  if ((await collection.countDocuments()) > same) await collection.deleteMany({})
}

async function verified(
  source: DatabaseSync,
  target: Db,
  name: CollectionName,
  reading: Reading,
): Promise<CopiedCollection> {
  const collection = target.collection<Doc>(name)
  const [wanted, found] = [createHash('sha256'), createHash('sha256')]
  let documents = 0
  for (const docs of batches(source, reading)) {
    const there = await collection.find({ _id: { $in: docs.map(idOf) } }).toArray()
    const byId = new Map(there.map((doc) => [doc._id, doc]))
    for (const doc of docs) {
      const copy = byId.get(doc._id)
      wanted.update(bytesOf(doc))
      if (copy) found.update(bytesOf(copy))
    }
    documents += docs.length
  }
  const [sha256, foundSha256] = [wanted.digest('hex'), found.digest('hex')]
  const count = await collection.countDocuments()
  if (count === documents && foundSha256 === sha256) return { name, documents, sha256 }
  throw new StoreError(
    'unavailable',
    `Collection ${name} is not what it should be after the copy: ${count} documents of ${documents}, SHA-256 ${foundSha256} and not ${sha256}. ` +
      'Does something else write to this database? Stop it and run copy-store again.',
  )
}

/** The documents of the source, a batch at a time, always in the same order as long as nothing changes. */
function* batches(source: DatabaseSync, reading: Reading): Generator<Doc[]> {
  let docs: Doc[] = []
  let bytes = 0
  for (const row of source.prepare(reading.sql).iterate()) {
    const doc = documentOf(row, reading)
    docs.push(doc)
    bytes += BSON.calculateObjectSize(doc)
    if (docs.length < BATCH.documents && bytes < BATCH.bytes) continue
    yield docs
    docs = []
    bytes = 0
  }
  if (docs.length > 0) yield docs
}

const idOf = ({ _id }: Doc) => _id
/** With the id first, where the server puts it. */
const bytesOf = ({ _id, ...fields }: Doc) => Buffer.from(BSON.serialize({ _id, ...fields }))

function checkDocument(name: CollectionName, doc: Doc): void {
  try {
    checkSize(name, doc)
  } catch (cause) {
    throw new StoreError('unavailable', `${doc._id} cannot be copied. ${(cause as Error).message}`, { cause })
  }
}
