import type { InvitationRecord, Invitations } from '../ports/invitations.ts'
import { type Database, decoder } from './database.ts'

const record = decoder<InvitationRecord>([
  ...(['id', 'workspace', 'role', 'email', 'digest', 'createdBy', 'createdAt', 'expiresAt'] as const),
])

export function mongoInvitations(db: Database): Invitations {
  const invitations = db.collection('invitations')
  return {
    async create({ id, ...invitation }) {
      const stamps = { createdAt: db.now(), gone: db.goneAt({ $toLong: invitation.expiresAt }) }
      return record(await db.insert('invitations', { _id: id, ...invitation, acceptedAt: null }, stamps))
    },
    async take(digest) {
      const taken = await invitations.findOneAndUpdate(
        { digest, acceptedAt: null, $expr: { $gt: ['$expiresAt', db.now()] } },
        [{ $set: { acceptedAt: db.now() } }],
        { returnDocument: 'after' },
      )
      return taken ? record(taken) : undefined
    },
    async giveBack(id) {
      await invitations.updateOne({ _id: id }, { $set: { acceptedAt: null } })
    },
    async expire(limit) {
      const over = { expiresAt: { $lte: await db.time() } }
      const found = await invitations
        .find(over, { projection: { _id: 1 } })
        .sort({ expiresAt: 1 })
        .limit(limit)
        .toArray()
      return (await invitations.deleteMany({ _id: { $in: found.map(({ _id }) => _id) }, ...over })).deletedCount
    },
  }
}
