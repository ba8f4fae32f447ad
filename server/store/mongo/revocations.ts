import type { AccessChange, Revocations } from '../ports/revocations.ts'
import { type Database, type Doc, decoder } from './database.ts'
import { isDuplicate } from './errors.ts'

type Change<K extends AccessChange['kind']> = Extract<AccessChange, { kind: K }>
const keyOf = decoder<Change<'key'>>(['id', 'name', 'expiresAt', 'allowedIps', 'limits', 'changedAt'])
const userOf = decoder<Change<'user'>>(['id', 'disabled', 'limits', 'changedAt'])
const workerOf = decoder<Change<'worker'>>(['id', 'changedAt'])
const tokenOf = decoder<Change<'token'>>(['id', 'expiresAt', 'changedAt'])

/** Only what a majority has: a revocation that was seen is never taken back by a change of the primary. */
const CERTAIN = { readConcern: { level: 'majority' }, readPreference: 'primary' } as const

export function mongoRevocations(db: Database): Revocations {
  return {
    async revokeToken(jti, expiresAt) {
      const stamps = { createdAt: db.now(), changedAt: db.now(), gone: db.goneAt({ $toLong: expiresAt }) }
      await db.insert('revoked_tokens', { _id: jti, expiresAt }, stamps).catch((error) => {
        if (!isDuplicate(error)) throw error
      })
    },
    async changedSince(time) {
      const changed = { changedAt: { $gte: time } }
      const [keys, users, workspaces, workers, tokens] = await Promise.all([
        db.collection('keys').find(changed, CERTAIN).toArray(),
        db.collection('users').find(changed, CERTAIN).toArray(),
        db
          .collection('workspaces')
          .find({ 'members.changedAt': { $gte: time } }, CERTAIN)
          .toArray(),
        db.collection('workers').find(changed, CERTAIN).toArray(),
        db
          .collection('revoked_tokens')
          .aggregate<Doc>([{ $match: changed }, { $match: { $expr: { $gt: ['$expiresAt', db.now()] } } }], CERTAIN)
          .toArray(),
      ])
      return [
        ...keys.map((key): AccessChange => ({ ...keyOf(key), kind: 'key', revoked: key.revokedAt !== null })),
        ...users.map((user): AccessChange => ({ ...userOf(user), kind: 'user' })),
        ...workspaces.flatMap((workspace) => membershipsOf(workspace, time)),
        ...workers.map(
          (worker): AccessChange => ({ ...workerOf(worker), kind: 'worker', revoked: worker.revokedAt !== null }),
        ),
        ...tokens.map((token): AccessChange => ({ ...tokenOf(token), kind: 'token' })),
      ]
    },
  }
}

function membershipsOf({ _id, members }: Doc, time: number): Change<'membership'>[] {
  return (members as { user: string; role: Change<'membership'>['role']; changedAt: number }[])
    .filter(({ changedAt }) => changedAt >= time)
    .map(({ user, role, changedAt }) => ({ kind: 'membership', user, workspace: _id, role, changedAt }))
}
