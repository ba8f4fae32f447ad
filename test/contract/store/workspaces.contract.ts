import { describe, expect, it } from 'vitest'
import type { DeliveryRecord } from '../../../server/store/ports/deliveries.ts'
import type { UserRecord } from '../../../server/store/ports/users.ts'
import { createCallback } from './callbacks.contract.ts'
import {
  allPages,
  createKey,
  createRun,
  DAY,
  newPush,
  newUser,
  nextId,
  type OpenStore,
  SECOND,
  sha256,
  useStore,
} from './subject.ts'
import { createTrigger } from './triggers.contract.ts'

export function workspacesContract(open: OpenStore): void {
  describe('workspaces', () => {
    const subject = useStore(open)
    const person = async (change: Partial<UserRecord> = {}) => {
      const user = newUser(change)
      await subject.store.users.create(user, { role: 'owner', newWorkspace: { name: `of ${user.id}` } })
      return user
    }
    const created = (owner: string, name = 'shop') =>
      subject.store.workspaces.create({ id: nextId('wsp'), name, owner })
    const role = async (user: string, workspace: string) => (await subject.store.memberships.get(user, workspace))?.role

    it('are made with their owner, found, listed and renamed', async () => {
      const user = await person()
      subject.clock.advance(SECOND)
      const made = await created(user.id)
      expect(await subject.store.workspaces.get(made.id)).toEqual({
        id: made.id,
        name: 'shop',
        createdAt: subject.clock.now(),
      })
      expect(await role(user.id, made.id)).toBe('owner')
      expect((await subject.store.workspaces.rename(made.id, 'store'))?.name).toBe('store')
      const listed = await allPages((page) => subject.store.workspaces.listOf(user.id, page), 1)
      expect(listed.map(({ id, name, role }) => [id, name, role])).toEqual([
        [made.id, 'store', 'owner'],
        [user.workspace, `of ${user.id}`, 'owner'],
      ])
      expect(await subject.store.workspaces.get('wsp_none')).toBeUndefined()
      expect(await subject.store.workspaces.rename('wsp_none', 'x')).toBeUndefined()
    })

    it('have members, who keep their role when they are added again, and change it', async () => {
      const [owner, member] = [await person(), await person({ name: 'Bo', email: 'bo@x.y' })]
      const { id } = await created(owner.id)
      subject.clock.advance(SECOND)
      await subject.store.memberships.add(member.id, id, 'viewer')
      await subject.store.memberships.add(member.id, id, 'owner')
      expect(await role(member.id, id)).toBe('viewer')
      const listed = await allPages((page) => subject.store.memberships.list(id, page), 1)
      expect(listed.map((one) => [one.id, one.role])).toEqual([
        [member.id, 'viewer'],
        [owner.id, 'owner'],
      ])
      expect(listed[0]).toMatchObject({ kind: 'person', name: 'Bo', email: 'bo@x.y', createdAt: subject.clock.now() })
      expect(await subject.store.memberships.change(member.id, id, 'member')).toBe('done')
      expect(await subject.store.memberships.change(member.id, id, null)).toBe('done')
      expect(await role(member.id, id)).toBeUndefined()
      expect(await subject.store.memberships.change(member.id, id, 'owner')).toBeUndefined()
      const changes = await subject.store.revocations.changedSince(subject.clock.now())
      expect(changes).toContainEqual(expect.objectContaining({ kind: 'membership', user: member.id, role: null }))
    })

    it('never lose their last owner, also not when two leave at once', async () => {
      const [one, two] = [await person(), await person()]
      const { id } = await created(one.id)
      expect(await subject.store.memberships.change(one.id, id, 'member')).toBe('last_owner')
      await subject.store.memberships.add(two.id, id, 'owner')
      const answers = await Promise.all([one, two].map((user) => subject.store.memberships.change(user.id, id, null)))
      expect(answers.sort()).toEqual(['done', 'last_owner'])
    })

    it('that are deleted end for everybody at once, and their content goes by and by', async () => {
      const [owner, other] = [await person(), await person()]
      const { id } = await created(owner.id)
      const service = newUser({ kind: 'service', workspace: id })
      await subject.store.users.create(service, { role: 'member' })
      await subject.store.memberships.add(other.id, id, 'member')
      const key = await createKey(subject.store, { user: other.id, workspace: id })
      await subject.store.archives.add({ workspace: id, sha256: sha256(7), bytes: 10, filesDigest: sha256(8) }, 1e9)
      await subject.store.suites.push(id, 'smoke', newPush())
      const run = await createRun(subject.store, { workspace: id })
      subject.clock.advance(SECOND)
      expect(await subject.store.workspaces.delete(id)).toBe(true)
      expect(await subject.store.workspaces.delete(id)).toBe(false)
      expect(await role(other.id, id)).toBeUndefined()
      expect((await subject.store.keys.get(key.id))?.revokedAt).toBe(subject.clock.now())
      expect(await subject.store.users.get(service.id)).toBeUndefined()
      expect(await subject.store.users.get(other.id)).toBeDefined()
      const changes = await subject.store.revocations.changedSince(subject.clock.now())
      expect(changes).toContainEqual(expect.objectContaining({ kind: 'user', id: service.id, disabled: true }))
      expect(await subject.store.workspaces.deleted(5)).toEqual([id])
      expect((await subject.store.workspaces.removeContents(id, 10)).done).toBe(false)
      expect(await subject.store.runs.get(run.id)).toBeDefined()
      await subject.store.runs.cancel(run.id, 'cancelled_by_user', 'x')
      let steps = 0
      while (!(await subject.store.workspaces.removeContents(id, 10)).done) expect(++steps).toBeLessThan(10)
      expect(await subject.store.runs.get(run.id)).toBeUndefined()
      expect(await subject.store.suites.get(id, 'smoke')).toBeUndefined()
      expect(await subject.store.workspaces.deleted(5)).toEqual([])
    })

    it('that are deleted tell nobody any more and are started by nobody, and what was told goes with them', async () => {
      const { store } = subject
      const { id: workspace } = await created((await person()).id)
      const other = await createCallback(store)
      const callback = await createCallback(store, { workspace })
      const trigger = await createTrigger(store, { workspace })
      await store.callbacks.rotateWorkspaceSecret(workspace, 'sealed', subject.clock.now())
      const endpoints = { [callback.id]: callback.id, [`${workspace} https://ci.example`]: null }
      const added = Object.entries(endpoints).map(([endpoint, of]) =>
        store.deliveries.add({
          ...{ id: nextId('dlv'), workspace, endpoint, callback: of, url: null, event: nextId('evt') },
          ...{ type: 'run.finished', run: null, suite: null, body: '{}' },
        }),
      )
      const [told, toldByRun] = (await Promise.all(added)) as [DeliveryRecord, DeliveryRecord]
      await store.workspaces.delete(workspace)
      expect(await store.callbacks.get(callback.id)).toBeUndefined()
      expect(await store.callbacks.active(workspace)).toEqual([])
      expect(await store.triggers.get(trigger.id)).toBeUndefined()
      expect(await store.deliveries.get(told.id)).toMatchObject({ state: 'failed', nextAt: null })
      // Whoever waits for a run by its own address still learns that it was cancelled.
      expect(await store.deliveries.get(toldByRun.id)).toMatchObject({ state: 'pending' })
      let steps = 0
      while (!(await store.workspaces.removeContents(workspace, 1)).done) expect(++steps).toBeLessThan(10)
      expect(await store.deliveries.list(workspace, {}, { limit: 10 })).toEqual([])
      expect(await store.callbacks.rotateWorkspaceSecret(workspace, 'sealed', 0)).toBe(false)
      expect(await store.callbacks.get(other.id)).toBeDefined()
    })

    it('are left in order when a user is deleted', async () => {
      const [one, two] = [await person({ email: 'one@x.y', externalId: 'e' }), await person()]
      const { id } = await created(one.id)
      await subject.store.memberships.add(two.id, id, 'member')
      expect(await subject.store.users.delete(one.id)).toBe('last_owner')
      await subject.store.memberships.change(two.id, id, 'owner')
      const key = await createKey(subject.store, { user: one.id, workspace: one.workspace })
      expect(await subject.store.users.delete(one.id)).toEqual({ emptied: [one.workspace] })
      expect(await subject.store.users.get(one.id)).toBeUndefined()
      expect(await subject.store.users.findByExternalId('', 'e')).toBeUndefined()
      expect((await subject.store.keys.get(key.id))?.revokedAt).not.toBeNull()
      expect(await subject.store.workspaces.get(one.workspace)).toBeUndefined()
      expect(await role(two.id, id)).toBe('owner')
      expect(await subject.store.users.delete(one.id)).toBeUndefined()
      await person({ email: 'one@x.y', externalId: 'e' })
    })
  })

  describe('users', () => {
    const subject = useStore(open)
    const person = async (change: Partial<UserRecord> = {}) => {
      const user = newUser(change)
      return subject.store.users.create(user, { role: 'owner', newWorkspace: { name: 'own' } })
    }

    it('of two issuers may have one external id, of one issuer not', async () => {
      const [one, two] = [
        await person({ externalId: 'e', externalIssuer: 'a' }),
        await person({ externalId: 'e', externalIssuer: 'b' }),
      ]
      expect(await person({ externalId: 'e', externalIssuer: 'a' })).toBe('external_id_taken')
      expect(await subject.store.users.findByExternalId('a', 'e')).toEqual(one)
      expect(await subject.store.users.findByExternalId('b', 'e')).toEqual(two)
      expect(await subject.store.users.findByExternalId('c', 'e')).toBeUndefined()
    })

    it('are changed field by field, and their state is told as a change', async () => {
      const user = (await person({ email: 'a@b.c', name: 'A' })) as UserRecord
      await person({ email: 'x@y.z' })
      subject.clock.advance(SECOND)
      expect(await subject.store.users.update(user.id, { name: 'B', disabled: true })).toEqual({
        ...user,
        name: 'B',
        disabled: true,
      })
      expect(await subject.store.users.update(user.id, { email: 'X@Y.Z' })).toBe('email_taken')
      expect(await subject.store.users.update(user.id, { email: 'A@B.C' })).toMatchObject({ email: 'A@B.C' })
      expect(await subject.store.users.update('usr_none', {})).toBeUndefined()
      expect(await subject.store.revocations.changedSince(subject.clock.now())).toEqual([
        { kind: 'user', id: user.id, disabled: true, limits: user.limits, changedAt: subject.clock.now() },
      ])
    })
  })

  describe('invitations', () => {
    const subject = useStore(open)
    const make = (digest: string) =>
      subject.store.invitations.create({
        ...{ id: nextId('inv'), workspace: 'wsp_1', role: 'member', email: null, digest, createdBy: 'usr_1' },
        expiresAt: subject.clock.now() + DAY,
      })

    it('are taken once, by whoever comes first and in time', async () => {
      const made = await make('d')
      expect(await subject.store.invitations.take('other')).toBeUndefined()
      const taken = await Promise.all(Array.from({ length: 5 }, () => subject.store.invitations.take('d')))
      expect(taken.filter((one) => one !== undefined)).toEqual([made])
      await subject.store.invitations.giveBack(made.id)
      subject.clock.advance(DAY)
      expect(await subject.store.invitations.take('d')).toBeUndefined()
      expect(await subject.store.invitations.expire(5)).toBe(1)
      expect(await subject.store.invitations.expire(5)).toBe(0)
    })
  })
}
