import type { MemberRecord, MembershipRecord, Memberships } from '../ports/memberships.ts'
import { checkSize, type Database, type Doc, decoder } from './database.ts'
import { changeMembers, isMember, MAX_MEMBERS, type Member, ofMember, withOtherOwner } from './members.ts'

const membershipOf = (user: string, { _id, name, members }: Doc): MembershipRecord => {
  const { role } = (members as Member[]).find((member) => member.user === user)!
  return { user, workspace: _id, workspaceName: name, role: role! }
}
const particulars = decoder<Pick<MemberRecord, 'kind' | 'name' | 'email'>>(['kind', 'name', 'email'])

export function mongoMemberships(db: Database): Memberships {
  const workspaces = db.collection('workspaces')

  async function get(user: string, workspace: string): Promise<MembershipRecord | undefined> {
    const found = await workspaces.findOne(
      { _id: workspace, ...ofMember(user) },
      { projection: { name: 1, members: { $elemMatch: { user } } } },
    )
    return found ? membershipOf(user, found) : undefined
  }

  return {
    get,
    async list(workspace, { limit, after }) {
      const found = await workspaces.findOne({ _id: workspace })
      const page = ((found?.members ?? []) as Member[])
        .filter((member) => member.role !== null && (!after || isAfter(member, after)))
        .sort((a, b) => b.createdAt - a.createdAt || (a.user < b.user ? 1 : -1))
        .slice(0, limit)
      const users = await db
        .collection('users')
        .find({ _id: { $in: page.map(({ user }) => user) } })
        .toArray()
      const known = new Map(users.map((user) => [user._id, particulars(user)]))
      return page.map(({ user, kind, role, createdAt }) => ({
        ...(known.get(user) ?? { kind, name: null, email: null }),
        ...{ id: user, role: role!, createdAt },
      }))
    },
    async add(user, workspace, role) {
      const kind = (await db.collection('users').findOne({ _id: user }))?.kind ?? 'person'
      await addMember(db, { user, kind, role }, workspace)
      return (await get(user, workspace))!
    },
    async change(user, workspace, role) {
      const stage = changeMembers(isMember(user), { role, changedAt: db.now() })
      const where = { _id: workspace, ...ofMember(user) }
      const guarded = role === 'owner' ? where : { _id: workspace, $or: [notOwner(user), withOtherOwner(user)] }
      const { matchedCount } = await workspaces.updateOne({ $and: [where, guarded] }, [stage])
      if (matchedCount > 0) return 'done'
      return (await workspaces.findOne(where, { projection: { _id: 1 } })) ? 'last_owner' : undefined
    },
  }
}

/** Makes the user a member; one who is keeps the role that they have. */
export async function addMember(
  db: Database,
  { user, kind, role }: Pick<Member, 'user' | 'kind' | 'role'>,
  workspace: string,
): Promise<void> {
  const workspaces = db.collection('workspaces')
  const stamps = { createdAt: db.now(), changedAt: db.now() }
  const again = changeMembers({ $eq: ['$$m.user', user] }, { role, ...stamps })
  const left = { _id: workspace, members: { $elemMatch: { user, role: null } } }
  if ((await workspaces.updateOne(left, [again])).matchedCount > 0) return
  const room = { _id: workspace, 'members.user': { $ne: user }, [`members.${MAX_MEMBERS - 1}`]: { $exists: false } }
  const made = { $mergeObjects: [{ $literal: { user, kind, role } }, stamps] }
  checkSize('workspaces', { user, kind, role })
  const added = await workspaces.updateOne(room, [{ $set: { members: { $concatArrays: ['$members', [made]] } } }])
  if (added.matchedCount > 0) return
  const there = await workspaces.findOne({ _id: workspace, 'members.user': user }, { projection: { _id: 1 } })
  if (!there)
    throw new RangeError(`Workspace ${workspace} has ${MAX_MEMBERS} members, or is not there: nobody can be added.`)
}

const notOwner = (user: string) => ({ members: { $not: { $elemMatch: { user, role: 'owner' } } } })

function isAfter(member: Member, { createdAt, id }: { createdAt: number; id: string }): boolean {
  return member.createdAt < createdAt || (member.createdAt === createdAt && member.user < id)
}
