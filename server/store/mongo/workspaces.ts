import type { Role } from '../../../contract/scopes.ts'
import type { WorkspaceRecord, Workspaces } from '../ports/workspaces.ts'
import { releaseArchive } from './archive-room.ts'
import { unneededBlobs } from './blob-needs.ts'
import { type Database, type Doc, decoder, set } from './database.ts'
import { endKeys } from './key-ends.ts'
import { ANY_MEMBER, changeMembers, type Member, ofMember } from './members.ts'
import { removeRunsOf } from './removal.ts'
import { target } from './run-record.ts'
import { bucketOf } from './slots.ts'

const record = decoder<WorkspaceRecord>(['id', 'name', 'createdAt'])

export function mongoWorkspaces(db: Database): Workspaces {
  const workspaces = db.collection('workspaces')
  const there = (id: string) => ({ _id: id, deletedAt: null })

  return {
    create: async ({ id, name, owner }) => record(await makeWorkspace(db, id, name, { user: owner, kind: 'person' })),
    async get(id) {
      const found = await workspaces.findOne(there(id), { projection: { members: 0 } })
      return found ? record(found) : undefined
    },
    async listOf(user, { limit, after }) {
      const found = await workspaces
        .find(ofMember(user), { projection: { name: 1, members: { $elemMatch: { user } } } })
        .toArray()
      return found
        .map(({ _id, name, members: [member] }) => ({
          ...{ id: _id, name: name as string },
          ...{ createdAt: member.createdAt as number, role: member.role as Role },
        }))
        .filter(
          (one) =>
            !after || one.createdAt < after.createdAt || (one.createdAt === after.createdAt && one.id < after.id),
        )
        .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
        .slice(0, limit)
    },
    async rename(id, name) {
      const renamed = await workspaces.findOneAndUpdate(there(id), { $set: { name } }, { returnDocument: 'after' })
      return renamed ? record(renamed) : undefined
    },
    delete: (id) => endWorkspace(db, id),
    async deleted(limit) {
      const found = await workspaces
        .find({ left: true }, { projection: { _id: 1 } })
        .sort({ deletedAt: 1 })
        .limit(limit)
        .toArray()
      return found.map(({ _id }) => _id)
    },
    async removeContents(id, limit) {
      // What a crash kept from being ended with the workspace is ended now.
      await endAccess(db, id)
      const bucket = bucketOf(id)
      const runs = await db
        .collection('runs')
        .find({ bucket, workspace: id }, { projection: { finishedAt: 1, workspace: 1, bucket: 1 } })
        .sort({ createdAt: -1, _id: -1 })
        .limit(limit)
        .toArray()
      if (runs.length > 0) {
        const ended = runs.filter(({ finishedAt }) => typeof finishedAt === 'number').map(target)
        return { done: false, blobs: await removeRunsOf(db, ended) }
      }
      let removed = 0
      for (const name of ['revisions', 'suites', 'deliveries'] as const)
        removed += await removeSome(db, name, id, limit)
      await db.collection('suite_secrets').deleteMany({ workspace: id })
      // Their ids begin with the workspace's and a slash, which 0 comes after.
      await db.collection('suite_states').deleteMany({ _id: { $gte: `${id}/`, $lt: `${id}0` } })
      if (removed > 0) return { done: false, blobs: [] }
      const archives = await db.collection('archives').find({ workspace: id }).limit(limit).toArray()
      for (const archive of archives) await releaseArchive(db, archive)
      if (archives.length > 0) {
        return {
          done: false,
          blobs: await unneededBlobs(
            db,
            archives.map(({ sha256 }) => sha256),
          ),
        }
      }
      for (const name of ['archive_room', 'callback_secrets'] as const) await db.collection(name).deleteOne({ _id: id })
      await workspaces.updateOne({ _id: id }, [{ $set: { emptiedAt: db.now() } }, { $unset: ['left'] }])
      return { done: true, blobs: [] }
    },
  }
}

/** Makes it with its first member. */
export function makeWorkspace(
  db: Database,
  id: string,
  name: string,
  first: Pick<Member, 'user' | 'kind'> & { role?: Role },
): Promise<Doc> {
  const member = {
    $mergeObjects: [{ $literal: { role: 'owner', ...first } }, { createdAt: db.now(), changedAt: db.now() }],
  }
  return db.insert(
    'workspaces',
    { _id: id, name, deletedAt: null },
    { createdAt: db.now(), members: [member] as never },
  )
}

/**
 * Ends it for everybody: that nobody is a member any more is one write, so no token is good for it from then on. Keys,
 * service users and invitations follow. False when it was ended before.
 */
export async function endWorkspace(db: Database, id: string): Promise<boolean> {
  const nobody = changeMembers(ANY_MEMBER, { role: null, changedAt: db.now() })
  const ended = await db
    .collection('workspaces')
    .updateOne({ _id: id, deletedAt: null }, [{ $set: { deletedAt: db.now(), left: true } }, nobody])
  if (ended.matchedCount === 0) return false
  await endAccess(db, id)
  return true
}

async function endAccess(db: Database, id: string): Promise<void> {
  await endKeys(db, { workspace: id })
  const gone = { disabled: true, deletedAt: db.now(), changedAt: db.now() }
  await db.collection('users').updateMany({ workspace: id, kind: 'service', deletedAt: null }, [{ $set: gone }])
  await db.collection('invitations').deleteMany({ workspace: id })
  const revoked = { revokedAt: db.now(), changedAt: db.now() }
  await db.collection('workers').updateMany({ workspace: id, revokedAt: null }, [{ $set: revoked }])
  for (const name of ['callbacks', 'triggers'] as const) await db.collection(name).deleteMany({ workspace: id })
  const ended = { state: 'failed', nextAt: null, owner: null, lastError: 'The workspace was deleted.' }
  await db
    .collection('deliveries')
    .updateMany({ workspace: id, state: 'pending', callback: { $ne: null } }, [set(ended, { finishedAt: db.now() })])
}

async function removeSome(
  db: Database,
  name: 'revisions' | 'suites' | 'deliveries',
  workspace: string,
  limit: number,
): Promise<number> {
  const collection = db.collection(name)
  const found = await collection
    .find({ workspace }, { projection: { _id: 1 } })
    .limit(limit)
    .toArray()
  return (await collection.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } })).deletedCount
}
