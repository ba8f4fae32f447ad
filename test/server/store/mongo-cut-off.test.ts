import type { Db } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openMongoStore } from '../../../server/store/mongo/open.ts'
import { createCallback } from '../../contract/store/callbacks.contract.ts'
import {
  claim,
  createKey,
  createRun,
  definition,
  finishedRun,
  newKey,
  newPush,
  newUser,
  nextId,
  runningRun,
  SECOND,
  sha256,
  WORKSPACE,
} from '../../contract/store/subject.ts'
import { MovableClock } from '../../support/clock.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../../support/mongo.ts'

const why = whyNoMongo()

/** What takes several writes is left half done by a node that dies in between: here, by taking the later writes back. */
describe.skipIf(why)(why ?? 'with a server', () => {
  let mongo: TestMongo
  beforeAll(async () => {
    mongo = await startMongo()
  })
  afterAll(() => mongo.stop())

  async function open() {
    const clock = new MovableClock()
    const { store, db } = await openMongoStore({ url: mongo.database(), now: () => clock.now(), logGroupMs: 0 })
    onTestFinished(() => store.close())
    const docs = (name: Parameters<Db['collection']>[0]) =>
      db.collection<{ _id: string; [name: string]: unknown }>(name)
    return { store, docs, clock }
  }

  describe('a write that was cut off', () => {
    it('between a suite and its revision: the revision is there when somebody asks', async () => {
      const { store, docs } = await open()
      await store.suites.push(WORKSPACE, 'smoke', newPush())
      await docs('revisions').deleteMany({})
      expect(await store.suites.revision(WORKSPACE, 'smoke', 1)).toMatchObject({ revision: 1, digest: sha256(1) })
      await docs('revisions').deleteMany({})
      expect(await store.suites.revisions(WORKSPACE, 'smoke', { limit: 5 })).toMatchObject([{ revision: 1 }])
      await docs('revisions').deleteMany({})
      // Nobody asked before the next push, which would write over it.
      await store.suites.push(WORKSPACE, 'smoke', newPush({ digest: sha256(2), definition: definition({ run: 'b' }) }))
      const all = await store.suites.revisions(WORKSPACE, 'smoke', { limit: 5 })
      expect(all.map(({ revision }) => revision)).toEqual([2, 1])
    })

    it('between a user and the workspace of their own: asked for again, both are there', async () => {
      const { store, docs } = await open()
      const asked = newUser()
      const again = () => store.users.create(asked, { role: 'owner', newWorkspace: { name: 'own' } })
      await again()
      await docs('users').updateOne({ _id: asked.id }, { $set: { deletedAt: 0 } })
      await docs('workspaces').deleteOne({ _id: asked.workspace })
      expect(await store.users.get(asked.id)).toBeUndefined()
      expect(await again()).toMatchObject(asked)
      expect(await store.memberships.get(asked.id, asked.workspace)).toMatchObject({ role: 'owner' })
    })

    it("between a user's turn to claim and its end: others have theirs ten seconds later", async () => {
      const { store, docs, clock } = await open()
      const limits = { maxKeys: null, runsPerDay: null, runningAtOnce: 1 }
      const user = newUser({ limits })
      await store.users.create(user, { role: 'owner', newWorkspace: { name: 'own' } })
      const run = await createRun(store, { triggeredBy: { kind: 'key', id: 'key_1', name: 'ci', userId: user.id } })
      const turn = { _id: `lease:running/${user.id}`, owner: 'gone', endsAt: clock.now() + 10 * SECOND }
      await docs('meta').insertOne(turn)
      expect(await claim(store)).toBeUndefined()
      clock.advance(10 * SECOND)
      expect(await claim(store)).toMatchObject({ id: run.id, state: 'running' })
      expect(await docs('meta').findOne({ _id: turn._id })).toBeNull()
    })

    it('between the room for an archive and the archive: the room is given back when it is needed', async () => {
      const { store, docs, clock } = await open()
      const archive = { workspace: WORKSPACE, sha256: sha256(1), bytes: 60, filesDigest: 'd' }
      await store.archives.add({ ...archive, bytes: 40 }, 100)
      const pending = { token: 'cut off', sha256: sha256(2), bytes: 60, at: clock.now() }
      await docs('archive_room').updateOne({ _id: WORKSPACE }, {
        $inc: { bytes: 60 },
        $set: { pending: [pending] },
      } as never)
      expect(await store.archives.add({ ...archive, sha256: sha256(3) }, 100)).toBe('quota')
      clock.advance(61 * SECOND)
      expect(await store.archives.add({ ...archive, sha256: sha256(3) }, 100)).toMatchObject({ bytes: 60 })
      expect(await docs('archive_room').findOne({ _id: WORKSPACE })).toMatchObject({ bytes: 100, pending: [] })
    })

    it('between a new key and the end of the one that it replaces: the next rotation makes up for it', async () => {
      const { store, docs, clock } = await open()
      const old = await createKey(store)
      const endsAt = clock.now() + 60 * SECOND
      const options = { endsAt, atFirstUse: false, maxActive: 10 }
      const made = await store.keys.rotate(old.id, newKey(), options)
      await docs('keys').updateOne({ _id: old.id }, { $set: { replacedBy: null, expiresAt: null } })
      expect(await store.keys.rotate(old.id, newKey(), options)).toBe('replaced')
      const replacedBy = (made as { id: string }).id
      expect(await store.keys.get(old.id)).toMatchObject({ replacedBy, expiresAt: endsAt })
    })

    it('in the middle of a block of cases: the same block again fills it up, with the ids that it had', async () => {
      const { store, docs } = await open()
      const { lease } = await runningRun(store)
      const block = (name: string) =>
        [1, 2, 3].map((n) => ({
          ...{
            name: `${name}${n}`,
            classname: null,
            testSuite: null,
            file: null,
            line: null,
            state: 'passed' as const,
          },
          ...{ durationMs: null, message: null, details: null, flaky: false },
        }))
      await store.cases.append(lease, 1, block('a'))
      await docs('cases').deleteOne({ name: 'a2' })
      await store.cases.append(lease, 2, block('b'))
      await store.cases.append(lease, 1, block('a'))
      const cases = await store.cases.list(lease.run, 1, { afterId: 0, limit: 10 })
      expect(cases.map(({ id, name }) => `${id} ${name}`)).toEqual(['1 a1', '2 a2', '3 a3', '4 b1', '5 b2', '6 b3'])
    })

    it('between an artifact and its count: the next artifact counts it', async () => {
      const { store, docs } = await open()
      const { lease } = await runningRun(store)
      const artifact = (path: string) => ({ path, bytes: 1, sha256: sha256(1) })
      await store.artifacts.add(lease, artifact('a'))
      await docs('runs').updateOne({ _id: lease.run }, { $set: { artifacts: 0 } })
      await store.artifacts.add(lease, artifact('a'))
      expect(await store.runs.get(lease.run)).toMatchObject({ artifacts: 1 })
    })

    it('between an event and its deliveries: whoever takes events next finishes it, once', async () => {
      const { store, docs, clock } = await open()
      const callback = await createCallback(store)
      await createRun(store)
      const [event] = await store.outbox.take(10)
      const delivery = {
        ...{ id: nextId('dlv'), workspace: WORKSPACE, endpoint: callback.id, callback: callback.id, url: null },
        ...{ event: 'evt_1', type: 'run.queued', run: null, suite: null, body: '{}' },
      }
      const spreading = { state: 'spreading', spreadingAt: clock.now(), deliveries: [delivery] }
      await docs('outbox').updateOne({ seq: event!.seq }, { $set: spreading })
      await store.outbox.take(10)
      expect(await store.deliveries.list(WORKSPACE, {}, { limit: 5 })).toEqual([])
      clock.advance(11 * SECOND)
      for (let n = 0; n < 2; n++) expect(await store.outbox.take(10)).toEqual([])
      expect(await store.deliveries.list(WORKSPACE, {}, { limit: 5 })).toMatchObject([{ id: delivery.id }])
    })

    it("between an event's way into the outbox and the run's forgetting of it: it is there once", async () => {
      const { store, docs } = await open()
      await createCallback(store)
      const { id } = await finishedRun(store)
      const told = await docs('runs').findOne({ _id: id })
      const events = await store.outbox.take(10)
      for (const { seq } of events) await store.outbox.spread(seq, [])
      await docs('runs').updateOne({ _id: id }, { $set: { news: told!.news, newsAt: told!.newsAt } })
      expect(await store.outbox.take(10)).toEqual([])
      expect(await docs('runs').findOne({ _id: id })).not.toHaveProperty('news')
    })

    it('between the end of a workspace and that of its keys: they end before anything of it is removed', async () => {
      const { store, docs } = await open()
      await store.workspaces.create({ id: WORKSPACE, name: 'w', owner: 'usr_1' })
      const key = await createKey(store)
      await store.workspaces.delete(WORKSPACE)
      await docs('keys').updateOne({ _id: key.id }, { $set: { revokedAt: null } })
      await store.workspaces.removeContents(WORKSPACE, 10)
      expect((await store.keys.get(key.id))?.revokedAt).not.toBeNull()
    })
  })

  it('a workspace takes no more members than its document may hold', async () => {
    const { store, docs } = await open()
    await store.workspaces.create({ id: WORKSPACE, name: 'w', owner: 'usr_0' })
    const members = Array.from({ length: 5000 }, (_, n) => ({ user: `usr_${n}`, kind: 'person', role: 'member' }))
    await docs('workspaces').updateOne({ _id: WORKSPACE }, { $set: { members } })
    await expect(store.memberships.add('usr_one_more', WORKSPACE, 'member')).rejects.toThrow(/5000 members/)
  })
})
