import type { Document } from 'mongodb'
import type { KeyHolder } from '../ports/keys.ts'
import { decoder } from './database.ts'
import type { Member } from './members.ts'

const particulars = decoder<Omit<KeyHolder, 'role'>>(
  ['admin', 'disabled', 'externalId', 'metadata', 'limits'],
  ['metadata'],
)

/** The keys of these digests, each with its holder's membership and person: one command, each looked up by its id. */
export const withHolders = (digests: readonly string[]) => [
  { $match: { digest: { $in: [...new Set(digests)] } } },
  { $lookup: { from: 'workspaces', localField: 'workspace', foreignField: '_id', as: 'place' } },
  { $lookup: { from: 'users', localField: 'user', foreignField: '_id', as: 'person' } },
  { $set: { place: { $first: '$place' }, person: { $first: '$person' } } },
  {
    $set: {
      'place.members': { $filter: { input: '$place.members', as: 'm', cond: { $eq: ['$$m.user', '$user'] } } },
    },
  },
]

/** Null: who is no member, or no user, any more. */
export function holderOf({ place, person }: Document): KeyHolder | null {
  const [member] = place?.deletedAt === null ? (place.members as Member[]) : []
  return !member?.role || person?.deletedAt !== null ? null : { ...particulars(person), role: member.role }
}
