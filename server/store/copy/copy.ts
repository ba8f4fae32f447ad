import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import type { Db } from 'mongodb'
import type { CollectionName } from '../mongo/collections.ts'
import { guarded } from '../mongo/errors.ts'
import { StoreError } from '../ports/store.ts'
import { MIGRATIONS } from '../sqlite/migrations.ts'
import { type CopiedCollection, copyCollection } from './collection.ts'
import { beginCopy, finishCopy } from './marker.ts'
import { READINGS } from './tables.ts'

export interface CopyOptions {
  /** The database file of a server that is stopped. It is only read. */
  readonly file: string
  /** A database that Verdict's store was opened on, empty or with an earlier try of this copy. */
  readonly target: Db
  /** What the source keeps of its secret key, to be checked by. */
  readonly secretKeyCheck: string
  /** Is told of each collection once it is there and was compared. */
  readonly onCollection: (copied: CopiedCollection) => void
  /** What comes beside the collections, before the copy counts as finished. */
  readonly beside: () => Promise<void>
}

/**
 * Copies every table of a SQLite store into MongoDB, and compares. May be cut off and called again: it goes on. Throws a
 * {@link StoreError} that says what to do: another secret key, another schema, a target that holds something else.
 */
export async function copyStore(options: CopyOptions): Promise<CopiedCollection[]> {
  const source = openSource(options.file)
  const { run } = guarded({ run: () => copyAll(source, options) })
  try {
    return await run()
  } finally {
    source.close()
  }
}

async function copyAll(source: DatabaseSync, options: CopyOptions): Promise<CopiedCollection[]> {
  const { target, onCollection, beside } = options
  const check = one(source, `SELECT value FROM installation WHERE name = 'secret-key-check'`)
  if (check !== options.secretKeyCheck) {
    throw new StoreError(
      'unavailable',
      'VERDICT_SECRET_KEY is not the key that this data was written with. Give the same key, or put the secret-key file back from a backup.',
    )
  }
  await beginCopy(target, identityOf(source, check))
  const copied: CopiedCollection[] = []
  for (const [name, reading] of Object.entries(READINGS)) {
    const one = await copyCollection(source, target, name as CollectionName, reading)
    onCollection(one)
    copied.push(one)
  }
  // What happens next is told after what is still to be told.
  const seq = Number(one(source, 'SELECT coalesce(max(seq), 0) AS value FROM outbox'))
  await target.collection<{ _id: string }>('meta').updateOne({ _id: 'outbox' }, { $max: { seq } }, { upsert: true })
  await beside()
  await finishCopy(target)
  return copied
}

/** The first user was made with the installation, and its row stays. */
function identityOf(source: DatabaseSync, check: string): string {
  const first = one(source, 'SELECT id AS value FROM users ORDER BY createdAt, id LIMIT 1')
  return createHash('sha256').update(`${check} ${first}`).digest('hex')
}

function openSource(file: string): DatabaseSync {
  const source = new DatabaseSync(file, { readOnly: true })
  const version = Number(source.prepare('PRAGMA user_version').get()?.user_version)
  if (version === MIGRATIONS.length) return source
  source.close()
  const next = version < MIGRATIONS.length ? 'Start and stop this Verdict on it once' : 'Use the Verdict that wrote it'
  throw new StoreError(
    'unavailable',
    `${file} has schema version ${version}, and this Verdict copies version ${MIGRATIONS.length}. ${next}, then copy.`,
  )
}

const one = (source: DatabaseSync, sql: string) => source.prepare(sql).get()?.value
