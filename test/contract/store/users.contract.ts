import { describe, expect, it } from 'vitest'
import { allPages, newUser, type OpenStore, useStore } from './subject.ts'

const OWNER = { role: 'owner' as const, newWorkspace: { name: 'own' } }

export function usersContract(open: OpenStore): void {
  describe('users', () => {
    const subject = useStore(open)
    const create = (change = {}, membership: Parameters<typeof subject.store.users.create>[1] = OWNER) =>
      subject.store.users.create(newUser(change), membership)

    it('are made with a workspace of their own and the membership in it', async () => {
      const asked = newUser({
        externalId: 'ext-1',
        email: 'Ann@Example.com',
        name: 'Ann',
        metadata: { team: 'a"b' },
        limits: { maxKeys: 3, runsPerDay: null, runningAtOnce: 1 },
        admin: true,
      })
      const user = { ...asked, createdAt: subject.clock.now() }
      expect(await subject.store.users.create(asked, OWNER)).toEqual(user)
      expect(await subject.store.users.get(user.id)).toEqual(user)
      expect(await subject.store.memberships.get(user.id, user.workspace)).toEqual({
        ...{ user: user.id, workspace: user.workspace, workspaceName: 'own', role: 'owner' },
      })
    })

    it('of a workspace that is there get a membership in it', async () => {
      const { workspace } = (await create()) as { workspace: string }
      const service = newUser({ kind: 'service', workspace })
      expect(await subject.store.users.create(service, { role: 'member' })).toMatchObject({ kind: 'service' })
      expect(await subject.store.memberships.get(service.id, workspace)).toMatchObject({ role: 'member' })
    })

    it('have no membership anywhere else', async () => {
      const [a, b] = [newUser(), newUser()]
      await subject.store.users.create(a, OWNER)
      await subject.store.users.create(b, OWNER)
      expect(await subject.store.memberships.get(a.id, b.workspace)).toBeUndefined()
      expect(await subject.store.users.get('usr_none')).toBeUndefined()
    })

    it.each([
      ['email_taken', { email: 'ann@example.com' }, { email: 'ANN@example.COM' }],
      ['email_taken', { email: 'ÄNN@example.com' }, { email: 'änn@example.com' }],
      ['external_id_taken', { externalId: 'Ext' }, { externalId: 'Ext' }],
    ])('are refused as %s, and leave nothing behind', async (answer, first, second) => {
      await create(first)
      const refused = newUser(second)
      expect(await subject.store.users.create(refused, OWNER)).toBe(answer)
      expect(await subject.store.users.get(refused.id)).toBeUndefined()
      expect(await subject.store.memberships.get(refused.id, refused.workspace)).toBeUndefined()
      expect(await subject.store.users.count()).toBe(1)
    })

    it('are made once, and wholly, when one is asked for again', async () => {
      const asked = newUser()
      const all = await Promise.all(Array.from({ length: 8 }, () => subject.store.users.create(asked, OWNER)))
      subject.clock.advance(1)
      all.push(await subject.store.users.create(asked, OWNER))
      const user = { ...asked, createdAt: subject.clock.now() - 1 }
      expect(all).toEqual(all.map(() => user))
      expect(await subject.store.users.count()).toBe(1)
      expect(await subject.store.memberships.list(asked.workspace, { limit: 5 })).toMatchObject([
        { id: asked.id, role: 'owner' },
      ])
    })

    it('may have external ids that differ in case only, and many may have none', async () => {
      await create({ externalId: 'ext' })
      await create({ externalId: 'EXT' })
      await create()
      await create()
      expect(await subject.store.users.count()).toBe(4)
    })

    it('of one email are made once of many requests at once', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => create({ email: 'a@b.c' })))
      expect(answers.filter((answer) => answer === 'email_taken')).toHaveLength(9)
    })

    it('are listed newest first, all or those of one workspace, page by page', async () => {
      const made: string[] = []
      for (let i = 0; i < 7; i++) {
        made.push(((await create()) as { id: string }).id)
        if (i % 3 === 0) subject.clock.advance(1)
      }
      const { id, workspace } = (await subject.store.users.get(made[0]!))!
      const service = (await create({ kind: 'service', workspace }, { role: 'member' })) as { id: string }
      const all = await allPages((page) => subject.store.users.list({}, page))
      expect(all.map((user) => user.id)).toEqual([...made, service.id].reverse())
      const own = await allPages((page) => subject.store.users.list({ workspace }, page), 1)
      expect(own.map((user) => user.id)).toEqual([service.id, id])
    })
  })
}
