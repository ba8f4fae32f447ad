import { describe, expect, it } from 'vitest'
import type { NewWorkerRecord, WorkerRecord } from '../../../server/store/ports/workers.ts'
import { allPages, claim, createRun, newUser, nextId, type OpenStore, SECOND, useStore, WORKSPACE } from './subject.ts'

const SAID = { labels: ['linux', 'x64'], runner: 'sandbox', version: '0.1.0' }

function newWorker(change: Partial<NewWorkerRecord> = {}): NewWorkerRecord {
  const id = nextId('wrk')
  return {
    id,
    workspace: WORKSPACE,
    name: 'builder',
    labels: ['gpu'],
    digest: `digest of ${id}`,
    start: 'vdt_abcd',
    end: 'wxyz',
    createdBy: 'usr_1',
    ...change,
  }
}

export function workersContract(open: OpenStore): void {
  describe('workers', () => {
    const subject = useStore(open)
    const create = (change: Partial<NewWorkerRecord> = {}) => subject.store.workers.create(newWorker(change))

    it('are found by id and by the digest of their key', async () => {
      const worker = newWorker()
      const made = await subject.store.workers.create(worker)
      const fresh = { createdAt: subject.clock.now(), revokedAt: null, lastSeenAt: null, said: null }
      expect(made).toEqual({ ...worker, ...fresh })
      expect(await subject.store.workers.get(worker.id)).toEqual(made)
      expect(await subject.store.workers.findByDigest(worker.digest)).toEqual(made)
      expect(await subject.store.workers.get('wrk_none')).toBeUndefined()
      expect(await subject.store.workers.findByDigest('none')).toBeUndefined()
    })

    it('are listed by workspace, newest first, with the shared ones where that is asked for', async () => {
      const made: WorkerRecord[] = []
      for (const workspace of [WORKSPACE, null, 'wsp_2', WORKSPACE, null, WORKSPACE]) {
        made.push(await create({ workspace }))
        if (made.length % 2 === 0) subject.clock.advance(1)
      }
      const listed = (shared: boolean) =>
        allPages((page) => subject.store.workers.list({ workspace: WORKSPACE, shared }, page), 2)
      const ids = (workspaces: (string | null)[]) =>
        made
          .filter(({ workspace }) => workspaces.includes(workspace))
          .map(({ id }) => id)
          .reverse()
      expect((await listed(false)).map(({ id }) => id)).toEqual(ids([WORKSPACE]))
      expect((await listed(true)).map(({ id }) => id)).toEqual(ids([WORKSPACE, null]))
    })

    it('are revoked once, are listed no more, and that is told', async () => {
      const { id, digest } = await create()
      const before = subject.clock.now()
      subject.clock.advance(SECOND)
      const revoked = await subject.store.workers.revoke(id)
      expect(revoked).toMatchObject({ id, revokedAt: subject.clock.now() })
      subject.clock.advance(SECOND)
      expect(await subject.store.workers.revoke(id)).toEqual(revoked)
      expect(await subject.store.workers.findByDigest(digest)).toEqual(revoked)
      expect(await subject.store.workers.list({ workspace: WORKSPACE, shared: true }, { limit: 10 })).toEqual([])
      expect(await subject.store.revocations.changedSince(before + 1)).toEqual([
        { kind: 'worker', id, revoked: true, changedAt: before + SECOND },
      ])
      expect(await subject.store.workers.revoke('wrk_none')).toBeUndefined()
    })

    it('are revoked with their workspace, and no others are', async () => {
      const user = newUser()
      const { workspace } = user
      await subject.store.users.create(user, { role: 'owner', newWorkspace: { name: 'x' } })
      const [theirs, shared, other] = [await create({ workspace }), await create({ workspace: null }), await create()]
      await subject.store.workspaces.delete(workspace)
      const revoked = async ({ id }: WorkerRecord) => (await subject.store.workers.get(id))?.revokedAt !== null
      expect([await revoked(theirs), await revoked(shared), await revoked(other)]).toEqual([true, false, false])
    })

    it('are noted as seen every 10 seconds, and at once with what is new about them', async () => {
      const { id } = await create()
      const seen = async () => {
        const worker = await subject.store.workers.get(id)
        return { at: worker?.lastSeenAt, said: worker?.said }
      }
      const start = subject.clock.now()
      await subject.store.workers.markSeen(id, SAID)
      expect(await seen()).toEqual({ at: start, said: SAID })
      subject.clock.advance(9 * SECOND)
      await subject.store.workers.markSeen(id, SAID)
      await subject.store.workers.markSeen(id)
      expect(await seen()).toEqual({ at: start, said: SAID })
      const newer = { ...SAID, version: '0.2.0' }
      await subject.store.workers.markSeen(id, newer)
      expect(await seen()).toEqual({ at: start + 9 * SECOND, said: newer })
      subject.clock.advance(10 * SECOND)
      await subject.store.workers.markSeen(id)
      expect(await seen()).toEqual({ at: start + 19 * SECOND, said: newer })
      await subject.store.workers.markSeen('wrk_none', SAID)
    })

    it('are alive while they were seen lately and are not revoked', async () => {
      const [early, late, gone] = [await create(), await create({ workspace: null }), await create()]
      await create()
      await subject.store.workers.markSeen(early.id, SAID)
      subject.clock.advance(60 * SECOND)
      for (const { id } of [late, gone]) await subject.store.workers.markSeen(id, SAID)
      await subject.store.workers.revoke(gone.id)
      const alive = await subject.store.workers.seenSince(subject.clock.now() - 59 * SECOND, 10)
      expect(alive).toEqual([await subject.store.workers.get(late.id)])
    })

    it('serve one workspace only where that is asked for', async () => {
      const first = await createRun(subject.store, { workspace: 'wsp_1' })
      subject.clock.advance(1)
      const second = await createRun(subject.store, { workspace: 'wsp_2' })
      const claimIn = (workspace: string, perWorkspace = 10) =>
        subject.store.queue.claim({ id: 'wrk_1', labels: [] }, { leaseMs: 30 * SECOND, perWorkspace, workspace })
      expect(await claimIn('wsp_3')).toBeUndefined()
      expect(await claimIn('wsp_2', 0)).toBeUndefined()
      expect((await claimIn('wsp_2'))?.id).toBe(second.id)
      expect(await claimIn('wsp_2')).toBeUndefined()
      expect((await claim(subject.store))?.id).toBe(first.id)
    })

    it('hold leases that can be asked for', async () => {
      const runs = [await createRun(subject.store), await createRun(subject.store)]
      await createRun(subject.store)
      for (const _run of runs) await claim(subject.store, 'wrk_a')
      await claim(subject.store, 'wrk_b')
      const held = await subject.store.queue.heldBy('wrk_a', 10)
      expect(new Set(held.map(({ id }) => id))).toEqual(new Set(runs.map(({ id }) => id)))
      expect(held[0]).toMatchObject({ state: 'running', attempt: 1 })
      expect(await subject.store.queue.heldBy('wrk_a', 1)).toHaveLength(1)
      await subject.store.queue.release({ run: runs[0]!.id, attempt: 1 }, 'wrk_a')
      expect((await subject.store.queue.heldBy('wrk_a', 10)).map(({ id }) => id)).toEqual([runs[1]!.id])
      expect(await subject.store.queue.heldBy('wrk_none', 10)).toEqual([])
    })
  })
}
