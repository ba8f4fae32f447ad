import { type Db, ObjectId } from 'mongodb'
import { StoreError } from '../ports/store.ts'
import type { Database } from './database.ts'
import { isDuplicate } from './errors.ts'
import { makeIndexes } from './indexes.ts'

type Migration = (db: Db, sharded: boolean) => Promise<void>
/** In order, and never changed once released: version n is what the first n make. */
export const MIGRATIONS: readonly Migration[] = [makeIndexes]

/** One node migrates at a time, by a lease that it prolongs; it is over this long after the node is gone. */
const LEASE_MS = 30_000
const LOOK_EVERY_MS = 200

export interface MigrateOptions {
  readonly migrations?: readonly Migration[]
  /** How long another node's migration is waited for. */
  readonly patienceMs?: number
  readonly sleep: (ms: number) => Promise<void>
}

/**
 * Brings the database up to date. Many nodes may call it at once: one does the work, the others wait. Rejects with a
 * {@link StoreError} when the database is another program's or a newer Verdict's, and changes nothing then.
 */
export async function migrate(raw: Db, db: Database, options: MigrateOptions): Promise<void> {
  const migrations = options.migrations ?? MIGRATIONS
  await introduce(raw, db)
  const node = new ObjectId()
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    const version = await versionOf(raw, db)
    if (version > migrations.length) throw tooNew(raw, version, migrations.length)
    if (version === migrations.length) return
    if (await takeLease(db, node)) {
      await work(raw, db, migrations, node, options.sleep)
      return
    }
    if (waited >= (options.patienceMs ?? 600_000)) {
      throw new StoreError(
        'unavailable',
        `Another node has been migrating database ${raw.databaseName} for too long. Look at its log, or start again later.`,
      )
    }
    await options.sleep(LOOK_EVERY_MS)
  }
}

/** Makes the version document in a database that is empty. */
async function introduce(raw: Db, db: Database): Promise<void> {
  const meta = db.collection('meta')
  const isThere = async () => (await meta.findOne({ _id: 'schema' })) !== null
  if (await isThere()) return
  const [foreign] = await raw.listCollections({}, { nameOnly: true }).toArray()
  // Looked at again: another node may have begun between the two looks.
  if (foreign && !(await isThere())) {
    throw new StoreError(
      'unavailable',
      `Database ${raw.databaseName} holds collections of another program (${foreign.name}). Name another one in the path of VERDICT_DATABASE_URL.`,
    )
  }
  await meta.insertOne({ _id: 'schema', version: 0 }).catch((error) => {
    if (!isDuplicate(error)) throw error
  })
}

async function versionOf(raw: Db, db: Database): Promise<number> {
  const schema = await db.collection('meta').findOne({ _id: 'schema' })
  if (typeof schema?.version === 'number') return schema.version
  throw new StoreError(
    'unavailable',
    `Database ${raw.databaseName} has no version any more: restore a backup, or name another one.`,
  )
}

/** Whether this node has the lease now. The store's own time decides, so that nodes need not agree on theirs. */
async function takeLease(db: Database, node: ObjectId): Promise<boolean> {
  const free = { $or: [{ $eq: ['$node', node] }, { $lt: [{ $ifNull: ['$leaseEndsAt', 0] }, db.now()] }] }
  const { matchedCount } = await db
    .collection('meta')
    .updateOne({ _id: 'schema', $expr: free }, [{ $set: { node, leaseEndsAt: db.nowPlus(LEASE_MS) } }])
  return matchedCount > 0
}

async function work(
  raw: Db,
  db: Database,
  migrations: readonly Migration[],
  node: ObjectId,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  const meta = db.collection('meta')
  let done = false
  // An index on a large collection may take minutes.
  const prolonging = (async () => {
    for (;;) {
      for (let ms = 0; ms < LEASE_MS / 3; ms += LOOK_EVERY_MS) {
        if (done) return
        await sleep(LOOK_EVERY_MS)
      }
      await takeLease(db, node).catch(() => false)
    }
  })()
  try {
    for (;;) {
      const version = await versionOf(raw, db)
      const step = migrations[version]
      if (!step) break
      await step(raw, db.sharded)
      const { matchedCount } = await meta.updateOne(
        { _id: 'schema', version, node },
        { $set: { version: version + 1 } },
      )
      if (matchedCount === 0) break
    }
  } finally {
    done = true
    await prolonging
    await meta.updateOne({ _id: 'schema', node }, { $unset: { node: '', leaseEndsAt: '' } }).catch(() => undefined)
  }
}

function tooNew(raw: Db, found: number, known: number): StoreError {
  return new StoreError(
    'unavailable',
    `Database ${raw.databaseName} has schema version ${found}, and this Verdict knows versions up to ${known}: ` +
      'a newer Verdict wrote it. Start that version again, or restore a backup made before the upgrade.',
  )
}
