import type { Db } from 'mongodb'
import { COLLECTIONS } from '../mongo/collections.ts'
import { StoreError } from '../ports/store.ts'

interface Marker {
  _id: string
  /** Which installation is copied here. */
  from: string
  done: boolean
}
const ID = 'copy'
/** What an installation writes, but for what every opened database has. Files lie beside the store (blobs/gridfs). */
const WRITTEN = [...Object.keys(COLLECTIONS).filter((name) => name !== 'meta'), 'blobs.files']
const metaOf = (db: Db) => db.collection<Marker>('meta')

/** Throws a {@link StoreError} when the database holds a part of a copy: no server may work with it. */
export async function refuseUnfinishedCopy(db: Db): Promise<void> {
  if ((await metaOf(db).findOne({ _id: ID }))?.done !== false) return
  throw new StoreError(
    'unavailable',
    `Database ${db.databaseName} holds a copy that is not finished. Run copy-store again until it says that it is, or name another database in VERDICT_DATABASE_URL.`,
  )
}

/** Takes the database for the copy of that installation; repeatable. Throws a {@link StoreError} when it holds anything else. */
export async function beginCopy(db: Db, from: string): Promise<void> {
  const marker = await metaOf(db).findOne({ _id: ID })
  const name = `Database ${db.databaseName}`
  const else_ = 'Name another database in the path of VERDICT_COPY_TO, or drop this one.'
  if (marker?.done)
    throw new StoreError('unavailable', `${name} holds a finished copy, which a server may work with by now. ${else_}`)
  if (marker && marker.from !== from)
    throw new StoreError('unavailable', `${name} holds an unfinished copy of another installation. ${else_}`)
  if (marker) return
  for (const collection of WRITTEN) {
    if (!(await db.collection(collection).findOne({}, { projection: { _id: 1 } }))) continue
    throw new StoreError('unavailable', `${name} holds another installation of Verdict. ${else_}`)
  }
  await metaOf(db).insertOne({ _id: ID, from, done: false })
}

export async function finishCopy(db: Db): Promise<void> {
  await metaOf(db).updateOne({ _id: ID }, { $set: { done: true } })
}
