import type { Role } from '../../../contract/scopes.ts'
import type { UserKind } from '../../../contract/users.ts'
import type { Database, Expression, Where } from './database.ts'

/** A member as the workspace's document holds it. `role` null: no longer one; kept so that whoever holds a token learns of it. */
export interface Member {
  readonly user: string
  readonly kind: UserKind
  readonly role: Role | null
  readonly createdAt: number
  readonly changedAt: number
}

/** Members of one workspace, those that left included: what keeps its document far from the server's limit. */
export const MAX_MEMBERS = 5000

/** A stage that changes those members for which the expression over `$$m` is true. */
export function changeMembers(condition: Expression, change: Record<string, Expression>) {
  const changed = { $cond: [condition, { $mergeObjects: ['$$m', change] }, '$$m'] }
  return { $set: { members: { $map: { input: '$members', as: 'm', in: changed } } } }
}

export const isMember = (user: string): Expression => ({
  $and: [{ $eq: ['$$m.user', user] }, { $ne: ['$$m.role', null] }],
})
export const ANY_MEMBER: Expression = { $ne: ['$$m.role', null] }

/** A workspace that is there, and whose member the user is. */
export const ofMember = (user: string): Where => ({
  // Named twice: the first finds it by the index on every server.
  'members.user': user,
  members: { $elemMatch: { user, role: { $ne: null } } },
  deletedAt: null,
})

/** A workspace that somebody else owns too. */
export const withOtherOwner = (user: string): Where => ({
  members: { $elemMatch: { user: { $ne: user }, role: 'owner' } },
})

/** Takes the user out, unless it is the last owner. Whether they are out now. */
export async function endMembership(db: Database, user: string, workspace: string, isOwner: boolean): Promise<boolean> {
  const where: Where = isOwner
    ? { _id: workspace, $and: [ofMember(user), withOtherOwner(user)] }
    : { _id: workspace, ...ofMember(user) }
  const stage = changeMembers(isMember(user), { role: null, changedAt: db.now() })
  return (await db.collection('workspaces').updateOne(where, [stage])).matchedCount > 0
}
