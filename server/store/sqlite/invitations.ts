import type { InvitationRecord, Invitations } from '../ports/invitations.ts'
import { type Database, decoder } from './database.ts'

const COLUMNS = 'id, workspace, role, email, digest, createdBy, createdAt, expiresAt'
export const INVITATIONS_SQL = {
  insert: `INSERT INTO invitations (${COLUMNS}) VALUES (:id, :workspace, :role, :email, :digest, :createdBy, :createdAt, :expiresAt)`,
  take: `UPDATE invitations SET acceptedAt = :now WHERE digest = :digest AND acceptedAt IS NULL AND expiresAt > :now
    RETURNING ${COLUMNS}`,
  giveBack: 'UPDATE invitations SET acceptedAt = NULL WHERE id = :id',
  expire: `DELETE FROM invitations WHERE rowid IN
    (SELECT rowid FROM invitations WHERE expiresAt <= :now ORDER BY expiresAt LIMIT :limit)`,
}
const record = decoder<InvitationRecord>({})

export function sqliteInvitations(db: Database): Invitations {
  return {
    create: (invitation) =>
      db.write(() => {
        const made = { ...invitation, createdAt: db.now() }
        db.run(INVITATIONS_SQL.insert, made)
        return made
      }),
    take: (digest) =>
      db.write(() => {
        const row = db.get(INVITATIONS_SQL.take, { digest, now: db.now() })
        return row && record(row)
      }),
    giveBack: (id) =>
      db.write(() => {
        db.run(INVITATIONS_SQL.giveBack, { id })
      }),
    expire: (limit) => db.write(() => db.run(INVITATIONS_SQL.expire, { now: db.now(), limit })),
  }
}
