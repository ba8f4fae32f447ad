import { ObjectId } from 'mongodb'
import { type Database, type Doc, joined, literal } from './database.ts'
import { isDuplicate } from './errors.ts'

/** A reservation this old belongs to nobody who is still at it. */
const STALE_MS = 60_000

/**
 * What the archives of a workspace take together: one document a workspace, `{ bytes, pending }`. Its bytes are those of
 * every archive that is there, and of the pending ones, of which it is not known whether they are: so a limit holds to the
 * byte, and what a crash leaves behind is settled by looking.
 */
interface Pending {
  token: ObjectId
  sha256: string
  bytes: number
  at: number
}

/** Takes room for an archive that is about to be written. Undefined when there is not enough. */
export async function reserveRoom(
  db: Database,
  { workspace, sha256, bytes }: { workspace: string; sha256: string; bytes: number },
  quotaBytes: number,
): Promise<ObjectId | undefined> {
  const token = new ObjectId()
  for (const last of [false, true]) {
    if (bytes <= quotaBytes && (await note(db, workspace, { token, sha256, bytes }, bytes, quotaBytes))) return token
    if (!last && !(await settleStale(db, workspace))) return undefined
  }
  return undefined
}

/** The archive of the reservation is there now, or is not: then its room is given back. */
export async function settleRoom(db: Database, workspace: string, token: ObjectId, isThere: boolean): Promise<void> {
  const pending = { $filter: { input: '$pending', as: 'p', cond: { $ne: ['$$p.token', token] } } }
  const own = { $filter: { input: '$pending', as: 'p', cond: { $eq: ['$$p.token', token] } } }
  const bytes = isThere
    ? '$bytes'
    : { $subtract: ['$bytes', { $sum: { $map: { input: own, as: 'p', in: '$$p.bytes' } } }] }
  await db
    .collection('archive_room')
    .updateOne({ _id: workspace, 'pending.token': token }, [{ $set: { bytes, pending } }])
}

/** Removes an archive, unless `still` says otherwise at that moment, and gives its room back. Whether it is gone. */
export async function releaseArchive(db: Database, archive: Doc, still: object = {}): Promise<boolean> {
  const { _id, workspace, sha256, bytes } = archive
  const token = new ObjectId()
  await note(db, workspace, { token, sha256, bytes }, 0, Number.MAX_SAFE_INTEGER)
  const { deletedCount } = await db.collection('archives').deleteOne({ _id, ...still })
  await settleRoom(db, workspace, token, deletedCount === 0)
  return deletedCount > 0
}

async function note(
  db: Database,
  workspace: string,
  entry: Omit<Pending, 'at'>,
  added: number,
  quotaBytes: number,
): Promise<boolean> {
  const pending = { $mergeObjects: [literal(entry), { at: db.now() }] }
  const stage = {
    $set: {
      bytes: { $add: [{ $ifNull: ['$bytes', 0] }, added] },
      pending: { $concatArrays: [{ $ifNull: ['$pending', []] }, [pending]] },
    },
  }
  const write = async () => {
    const rooms = db.collection('archive_room')
    // The second finds the document that the first may have to make: with no archive yet, everything fits.
    const where = { _id: workspace, bytes: { $lte: quotaBytes - added } }
    return rooms.updateOne(where, [stage], { upsert: true })
  }
  try {
    await write()
    return true
  } catch (error) {
    // The document is there and has no room, or was made this moment: then the room is asked for once more.
    if (!isDuplicate(error)) throw error
    const there = await db.collection('archive_room').findOne({ _id: workspace })
    if (!there || there.bytes > quotaBytes - added) return false
    return note(db, workspace, entry, added, quotaBytes)
  }
}

/** Looks what became of reservations that nobody settled. Whether there were any. */
async function settleStale(db: Database, workspace: string): Promise<boolean> {
  const room = await db.collection('archive_room').findOne({ _id: workspace })
  const border = (await db.time()) - STALE_MS
  const stale = ((room?.pending ?? []) as Pending[]).filter(({ at }) => at < border)
  for (const { token, sha256 } of stale) {
    const archive = await db
      .collection('archives')
      .findOne({ _id: joined(workspace, sha256) }, { projection: { _id: 1 } })
    await settleRoom(db, workspace, token, archive !== null)
  }
  return stale.length > 0
}
