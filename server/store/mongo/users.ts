import type { UserRecord, Users } from '../ports/users.ts'
import { afterPage, type Database, type Doc, decoder, NEWEST_FIRST, set, type Where } from './database.ts'
import { isDuplicate } from './errors.ts'
import { endKeys } from './key-ends.ts'
import { endMembership, type Member, ofMember } from './members.ts'
import { addMember } from './memberships.ts'
import { endWorkspace, makeWorkspace } from './workspaces.ts'

const record = decoder<UserRecord>(
  [
    ...(['id', 'kind', 'externalId', 'externalIssuer', 'email', 'name', 'metadata', 'limits', 'workspace'] as const),
    ...(['admin', 'disabled', 'createdAt'] as const),
  ],
  ['metadata'],
)
/** What has a field of its own, and metadata as text: its names are the user's and may hold dots. */
const fieldsOf = (user: Partial<UserRecord>) => ({
  ...user,
  ...('metadata' in user ? { metadata: JSON.stringify(user.metadata) } : {}),
  ...('email' in user ? { emailFolded: user.email?.toLowerCase() ?? null } : {}),
})

/** The time of deletion of a user who is not there yet. */
const UNSEEN = 0

export function mongoUsers(db: Database): Users {
  const users = db.collection('users')
  const workspaces = db.collection('workspaces')
  const find = async (where: Where) => {
    const found = await users.findOne({ ...where, deletedAt: null })
    return found ? record(found) : undefined
  }
  async function takenBy({
    email,
    externalIssuer,
    externalId,
  }: Pick<UserRecord, 'email' | 'externalIssuer' | 'externalId'>) {
    const emailFolded = email?.toLowerCase()
    if (emailFolded !== undefined && (await users.findOne({ emailFolded }))) return 'email_taken'
    if (externalId !== null && (await users.findOne({ externalIssuer, externalId }))) return 'external_id_taken'
    return undefined
  }

  return {
    /**
     * The user is made unseen, and appears with what is unique by one write that comes last: what a crash leaves behind
     * nobody sees.
     */
    async create(user, { role, newWorkspace }) {
      const there = await find({ _id: user.id })
      if (there) return there
      const taken = await takenBy(user)
      if (taken) return taken
      const { id, workspace, kind } = user
      const {
        id: _id,
        email,
        emailFolded,
        externalId,
        ...fields
      } = fieldsOf(user) as UserRecord & { emailFolded: string }
      const stamps = { createdAt: db.now(), changedAt: db.now() }
      // One that is there unseen was cut off, or is being made at this moment: it comes to the same.
      const isOurs = await added(db.insert('users', { _id, ...fields, deletedAt: UNSEEN }, stamps))
      if (newWorkspace) await added(makeWorkspace(db, workspace, newWorkspace.name, { user: id, kind, role }))
      else await addMember(db, { user: id, kind, role }, workspace)
      try {
        const unique = { email, emailFolded, externalId, deletedAt: null }
        await users.updateOne({ _id, deletedAt: UNSEEN }, { $set: unique })
        return (await find({ _id }))!
      } catch (error) {
        if (isOurs) {
          if (newWorkspace) await workspaces.deleteOne({ _id: workspace })
          else await workspaces.updateOne({ _id: workspace }, { $pull: { members: { user: id } } as never })
          await users.deleteOne({ _id })
        }
        const now = isDuplicate(error) ? await takenBy(user) : undefined
        if (now) return now
        throw error
      }
    },
    get: (id) => find({ _id: id }),
    findByExternalId: (externalIssuer, externalId) => find({ externalIssuer, externalId }),
    async update(id, change) {
      try {
        const updated = await users.findOneAndUpdate(
          { _id: id, deletedAt: null },
          [set(fieldsOf(change), { changedAt: db.now() })],
          { returnDocument: 'after' },
        )
        return updated ? record(updated) : undefined
      } catch (error) {
        if (isDuplicate(error)) return 'email_taken'
        throw error
      }
    },
    /** The user's own document comes last: what a crash cuts off is done when it is asked for again. */
    async delete(id) {
      if (!(await find({ _id: id }))) return undefined
      const own = await workspaces.find(ofMember(id)).toArray()
      const shared = own.filter((workspace) => others(workspace, id).some(({ kind }) => kind === 'person'))
      const alone = own.filter((workspace) => !shared.includes(workspace))
      const wouldOrphan = (workspace: Doc) =>
        isOwner(workspace, id) && !others(workspace, id).some(({ role }) => role === 'owner')
      if (shared.some(wouldOrphan)) return 'last_owner'
      for (const workspace of shared) {
        if (!(await endMembership(db, id, workspace._id, isOwner(workspace, id)))) return 'last_owner'
      }
      await endKeys(db, { user: id })
      const emptied: string[] = []
      for (const { _id } of alone) if (await endWorkspace(db, _id)) emptied.push(_id)
      const forgotten = { externalId: null, email: null, emailFolded: null, name: null, metadata: '{}' }
      const gone = set({ ...forgotten, admin: false, disabled: true }, { deletedAt: db.now(), changedAt: db.now() })
      await users.updateOne({ _id: id, deletedAt: null }, [gone])
      return { emptied }
    },
    async list({ workspace }, page) {
      const conditions = [{ deletedAt: null }, ...(workspace === undefined ? [] : [{ workspace }]), ...afterPage(page)]
      return (await users.find({ $and: conditions }).sort(NEWEST_FIRST).limit(page.limit).toArray()).map(record)
    },
    count: () => users.countDocuments({ deletedAt: { $ne: UNSEEN } }),
  }
}

/** False when a document of that id is there already. */
const added = (insert: Promise<Doc>) =>
  insert.then(
    () => true,
    (error) => {
      if (isDuplicate(error)) return false
      throw error
    },
  )

const others = ({ members }: Doc, user: string) =>
  (members as Member[]).filter((member) => member.user !== user && member.role !== null)
const isOwner = ({ members }: Doc, user: string) =>
  (members as Member[]).some((member) => member.user === user && member.role === 'owner')
