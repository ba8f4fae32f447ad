import { describe, expect, it } from 'vitest'
import { allPages, createKey, DAY, newKey, newUser, type OpenStore, SECOND, useStore, WORKSPACE } from './subject.ts'

export function keysContract(open: OpenStore): void {
  describe('keys', () => {
    const subject = useStore(open)

    it('are kept whole, and found by id and digest', async () => {
      const asked = newKey({
        description: 'd',
        suites: ['smoke', 'shop/checkout'],
        allowedIps: ['10.0.0.0/8', '2001:db8::/32'],
        audiences: ['https://api.example'],
        limits: { perMinute: 5, perDay: null },
        expiresAt: 4_000_000_000_000,
      })
      const key = {
        ...asked,
        ...{ createdAt: subject.clock.now(), revokedAt: null, lastUsedAt: null, lastUsedFrom: null },
        ...{ replaces: null, endsReplaced: false, replacedBy: null },
      }
      expect(await subject.store.keys.create(asked, 1)).toEqual(key)
      expect(await subject.store.keys.get(key.id)).toEqual(key)
      expect(await subject.store.keys.findByDigest(key.digest)).toEqual({ ...key, holder: null })
      expect(await subject.store.keys.get('key_none')).toBeUndefined()
      expect(await subject.store.keys.findByDigest('none')).toBeUndefined()
    })

    it('are found with what their user is now in their workspace, and that no more once it is over', async () => {
      const { users, workspaces, memberships, keys } = subject.store
      const metadata = { 'a.b': '$c' }
      const user = newUser({ admin: true, externalId: 'e', metadata })
      await users.create(user, { role: 'owner', newWorkspace: { name: 'own' } })
      const other = newUser({ workspace: user.workspace })
      await users.create(other, { role: 'viewer' })
      const key = await createKey(subject.store, { user: user.id, workspace: user.workspace })
      const others = await createKey(subject.store, { user: other.id, workspace: user.workspace })
      const holder = async (digest: string) => (await keys.findByDigest(digest))?.holder
      expect(await holder(key.digest)).toEqual({
        role: 'owner',
        admin: true,
        disabled: false,
        externalId: 'e',
        metadata,
        limits: user.limits,
      })
      expect(await holder(others.digest)).toMatchObject({
        role: 'viewer',
        admin: false,
        externalId: null,
        metadata: {},
      })
      await memberships.change(other.id, user.workspace, 'member')
      await users.update(user.id, { disabled: true })
      expect(await holder(key.digest)).toMatchObject({ disabled: true })
      expect(await holder(others.digest)).toMatchObject({ role: 'member' })
      await memberships.change(other.id, user.workspace, null)
      expect(await holder(others.digest)).toBeNull()
      await workspaces.delete(user.workspace)
      expect(await holder(key.digest)).toBeNull()
    })

    it('are made once when one is asked for again, whatever else is asked', async () => {
      const asked = newKey()
      const all = await Promise.all(Array.from({ length: 8 }, () => subject.store.keys.create(asked, 1)))
      all.push(await subject.store.keys.create({ ...asked, name: 'other', digest: 'of another key' }, 1))
      expect(all).toEqual(all.map(() => expect.objectContaining({ name: asked.name, digest: asked.digest })))
      expect(await subject.store.keys.list({ user: asked.user }, { limit: 5 })).toHaveLength(1)
    })

    it('are no more than a user may have; revoked and expired ones do not count', async () => {
      const create = (change = {}) => subject.store.keys.create(newKey(change), 2)
      const first = (await create({ expiresAt: subject.clock.now() + SECOND })) as { id: string }
      await create()
      expect(await create()).toBe('too_many')
      expect(await create({ user: 'usr_2' })).not.toBe('too_many')
      subject.clock.advance(SECOND)
      const third = (await create()) as { id: string }
      expect(third).toMatchObject({ user: 'usr_1' })
      expect(await create()).toBe('too_many')
      await subject.store.keys.revoke(third.id)
      expect(await create()).not.toBe('too_many')
      expect(await subject.store.keys.get(first.id)).toBeDefined()
    })

    it('are no more than a user may have, also when many are made at once', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => subject.store.keys.create(newKey(), 4)))
      expect(answers.filter((answer) => answer === 'too_many')).toHaveLength(6)
    })

    it('are changed field by field', async () => {
      const key = await createKey(subject.store, { description: 'd', expiresAt: 1 })
      const change = {
        ...{ name: 'new', description: null, scopes: ['runs:read' as const], suites: ['a'] },
        ...{ allowedIps: ['10.0.0.1/32'], audiences: ['x'], limits: { perMinute: null, perDay: 9 } },
      }
      expect(await subject.store.keys.update(key.id, change)).toEqual({ ...key, ...change })
      expect(await subject.store.keys.update(key.id, { expiresAt: null })).toEqual({
        ...key,
        ...change,
        expiresAt: null,
      })
      expect(await subject.store.keys.get(key.id)).toEqual({ ...key, ...change, expiresAt: null })
      expect(await subject.store.keys.update('key_none', { name: 'x' })).toBeUndefined()
    })

    it('are revoked once: the first time stays', async () => {
      const key = await createKey(subject.store)
      subject.clock.advance(SECOND)
      const revoked = { ...key, revokedAt: subject.clock.now() }
      expect(await subject.store.keys.revoke(key.id)).toEqual(revoked)
      subject.clock.advance(SECOND)
      expect(await subject.store.keys.revoke(key.id)).toEqual(revoked)
      expect(await subject.store.keys.revoke('key_none')).toBeUndefined()
    })

    it('note their last use at most once a minute, also after the clock was set back', async () => {
      const { id } = await createKey(subject.store)
      const used = async () => {
        await subject.store.keys.markUsed(id, '192.0.2.1')
        return (await subject.store.keys.get(id))?.lastUsedAt
      }
      const first = subject.clock.now()
      expect(await used()).toBe(first)
      subject.clock.advance(60 * SECOND - 1)
      expect(await used()).toBe(first)
      subject.clock.advance(1)
      expect(await used()).toBe(first + 60 * SECOND)
      subject.clock.jump(-DAY)
      expect(await used()).toBe(first + 60 * SECOND - DAY)
      expect(await subject.store.keys.get(id)).toMatchObject({ lastUsedFrom: '192.0.2.1' })
      await subject.store.keys.markUsed('key_none', null)
    })

    it('are listed by user, by workspace, or by both, newest first, page by page', async () => {
      const made = []
      for (let i = 0; i < 9; i++) {
        made.unshift(await createKey(subject.store, { user: `usr_${i % 2}`, workspace: `wsp_${i % 3}` }))
        if (i % 4 === 0) subject.clock.advance(1)
      }
      for (const filter of [{ user: 'usr_1' }, { workspace: 'wsp_1' }, { user: 'usr_0', workspace: 'wsp_2' }]) {
        const { user, workspace } = { user: undefined, workspace: undefined, ...filter }
        const expected = made.filter(
          (key) => (user ?? key.user) === key.user && (workspace ?? key.workspace) === key.workspace,
        )
        expect(await allPages((page) => subject.store.keys.list(filter, page), 2)).toEqual(expected)
      }
    })

    it('are listed for 90 days after they were revoked or had expired', async () => {
      const live = await createKey(subject.store)
      const expiring = await createKey(subject.store, { expiresAt: subject.clock.now() + DAY })
      subject.clock.advance(DAY)
      const revoked = await createKey(subject.store)
      await subject.store.keys.revoke(revoked.id)
      const listed = async () =>
        (await subject.store.keys.list({ workspace: WORKSPACE }, { limit: 10 })).map(({ id }) => id)
      subject.clock.advance(90 * DAY)
      expect(await listed()).toEqual([revoked.id, expiring.id, live.id])
      subject.clock.advance(1)
      expect(await listed()).toEqual([live.id])
    })
  })
}
