import type { ArchiveRecord, Archives } from '../ports/archives.ts'
import { ARCHIVE_USED_EVERY_MS } from '../ports/times.ts'
import { releaseArchive, reserveRoom, settleRoom } from './archive-room.ts'
import { unneededBlobs } from './blob-needs.ts'
import { type Database, type Doc, decoder, joined } from './database.ts'
import { isDuplicate } from './errors.ts'
import { bucketOf } from './slots.ts'

const record = decoder<ArchiveRecord>(['workspace', 'sha256', 'bytes', 'filesDigest', 'createdAt', 'lastUsedAt'])

export function mongoArchives(db: Database): Archives {
  const archives = db.collection('archives')

  async function use(workspace: string, sha256: string): Promise<ArchiveRecord | undefined> {
    const used = await archives.findOneAndUpdate(
      { _id: joined(workspace, sha256) },
      [{ $set: { lastUsedAt: db.now() } }],
      { returnDocument: 'after' },
    )
    return used ? record(used) : undefined
  }

  return {
    async add(archive, quotaBytes) {
      const { workspace, sha256 } = archive
      const known = await use(workspace, sha256)
      if (known) return known
      const token = await reserveRoom(db, archive, quotaBytes)
      // It may be that it came with another request meanwhile, and took the last room.
      if (!token) return (await use(workspace, sha256)) ?? 'quota'
      let made = false
      try {
        const stamps = { createdAt: db.now(), lastUsedAt: db.now() }
        const added = await db.insert('archives', { _id: joined(workspace, sha256), ...archive, pinned: false }, stamps)
        made = true
        return record(added)
      } catch (error) {
        if (!isDuplicate(error)) throw error
        return (await use(workspace, sha256))!
      } finally {
        await settleRoom(db, workspace, token, made)
      }
    },
    async get(workspace, sha256) {
      const found = await archives.findOne({ _id: joined(workspace, sha256) })
      return found ? record(found) : undefined
    },
    async markUsed(workspace, sha256) {
      const age = { $abs: { $subtract: [db.now(), '$lastUsedAt'] } }
      const where = { _id: joined(workspace, sha256), $expr: { $gte: [age, ARCHIVE_USED_EVERY_MS] } }
      await archives.updateOne(where, [{ $set: { lastUsedAt: db.now() } }])
    },
    async removeUnused(unusedSince, limit) {
      const still = { pinned: false, lastUsedAt: { $lt: unusedSince } }
      const removed: string[] = []
      for await (const archive of archives.find(still).sort({ lastUsedAt: 1 })) {
        if (removed.length === limit) break
        if (await isNamed(db, archive)) await archives.updateOne({ _id: archive._id }, { $set: { pinned: true } })
        else if (!(await isRun(db, archive)) && (await releaseArchive(db, archive, still))) removed.push(archive.sha256)
      }
      return unneededBlobs(db, removed)
    },
  }
}

/** Before a revision names the archive: it is not removed from now on. */
export async function pinArchive(db: Database, workspace: string, sha256: string): Promise<void> {
  const pinned = { $set: { pinned: true, lastUsedAt: db.now() } }
  await db.collection('archives').updateOne({ _id: joined(workspace, sha256) }, [pinned])
}

/** After revisions went: what none of the others names may be removed again. */
export async function unpinArchives(db: Database, workspace: string, blobs: readonly string[]): Promise<void> {
  for (const sha256 of new Set(blobs)) {
    const _id = joined(workspace, sha256)
    if (await isNamed(db, { _id, workspace, sha256 })) continue
    await db.collection('archives').updateOne({ _id }, { $set: { pinned: false } })
  }
}

async function isNamed(db: Database, { workspace, sha256 }: Doc): Promise<boolean> {
  const named = await db.collection('revisions').findOne({ workspace, archive: sha256 }, { projection: { _id: 1 } })
  return named !== null
}

async function isRun(db: Database, { workspace, sha256 }: Doc): Promise<boolean> {
  const where = { bucket: bucketOf(workspace), workspace, archive: sha256, open: true }
  return (await db.collection('runs').findOne(where, { projection: { _id: 1 } })) !== null
}
