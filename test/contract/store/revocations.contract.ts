import { describe, expect, it } from 'vitest'
import { createKey, newUser, type OpenStore, SECOND, useStore } from './subject.ts'

export function revocationsContract(open: OpenStore): void {
  describe('revocations', () => {
    const subject = useStore(open)
    const since = (time: number) => subject.store.revocations.changedSince(time)

    it('tell the present state of a key that was revoked or changed, from that moment on', async () => {
      const free = { allowedIps: null, limits: null }
      const { id, name } = await createKey(subject.store, { expiresAt: null })
      await createKey(subject.store)
      subject.clock.advance(SECOND)
      await subject.store.keys.update(id, { expiresAt: 5 })
      expect(await since(subject.clock.now())).toEqual([
        { kind: 'key', id, name, revoked: false, expiresAt: 5, ...free, changedAt: subject.clock.now() },
      ])
      subject.clock.advance(SECOND)
      await subject.store.keys.revoke(id)
      const change = { kind: 'key', id, name, revoked: true, expiresAt: 5, ...free, changedAt: subject.clock.now() }
      expect(await since(subject.clock.now())).toEqual([change])
      expect(await since(subject.clock.now() - SECOND)).toEqual([change])
      expect(await since(subject.clock.now() + 1)).toEqual([])
    })

    it('do not come from a mere use of a key', async () => {
      const { id } = await createKey(subject.store)
      subject.clock.advance(SECOND)
      await subject.store.keys.markUsed(id, '192.0.2.1')
      expect(await since(subject.clock.now())).toEqual([])
    })

    it('tell of new users and memberships as of any change', async () => {
      const user = newUser()
      await subject.store.users.create(user, { role: 'owner', newWorkspace: { name: 'own' } })
      const changedAt = subject.clock.now()
      const changes = [
        { kind: 'user', id: user.id, disabled: false, limits: user.limits, changedAt },
        { kind: 'membership', user: user.id, workspace: user.workspace, role: 'owner', changedAt },
      ]
      expect(new Set(await since(changedAt))).toEqual(new Set(changes))
    })

    it('hold a revoked token until it is over anyway', async () => {
      const changedAt = subject.clock.now()
      const expiresAt = changedAt + 10 * SECOND
      await subject.store.revocations.revokeToken('jti-1', expiresAt)
      subject.clock.advance(SECOND)
      await subject.store.revocations.revokeToken('jti-1', expiresAt)
      expect(await since(0)).toEqual([{ kind: 'token', id: 'jti-1', expiresAt, changedAt }])
      subject.clock.advance(9 * SECOND)
      expect(await since(0)).toEqual([])
      await subject.store.revocations.revokeToken('jti-2', subject.clock.now() + SECOND)
      expect(await since(0)).toMatchObject([{ id: 'jti-2' }])
    })
  })
}
