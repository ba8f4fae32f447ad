import { describe, expect, it } from 'vitest'
import { createRun, DAY, definition, newPush, type OpenStore, SECOND, sha256, useStore, WORKSPACE } from './subject.ts'

export function archivesContract(open: OpenStore): void {
  describe('archives', () => {
    const subject = useStore(open)
    const add = (n: number, bytes = 10, workspace = WORKSPACE, quota = 100) =>
      subject.store.archives.add({ workspace, sha256: sha256(n), bytes, filesDigest: `files ${n}` }, quota)
    const get = (n: number, workspace = WORKSPACE) => subject.store.archives.get(workspace, sha256(n))
    const removeUnused = (limit = 10) => subject.store.archives.removeUnused(subject.clock.now(), limit)

    it('are seen in their workspace only', async () => {
      const now = subject.clock.now()
      const archive = { workspace: WORKSPACE, sha256: sha256(1), bytes: 10, filesDigest: 'files 1' }
      expect(await add(1)).toEqual({ ...archive, createdAt: now, lastUsedAt: now })
      expect(await get(1)).toEqual({ ...archive, createdAt: now, lastUsedAt: now })
      expect(await get(1, 'wsp_2')).toBeUndefined()
    })

    it('are no more than the quota of a workspace, to the byte, also when they come at once', async () => {
      expect(await add(1, 60)).not.toBe('quota')
      expect(await add(2, 41)).toBe('quota')
      expect(await get(2)).toBeUndefined()
      expect(await add(3, 40)).not.toBe('quota')
      expect(await add(4, 100, 'wsp_2')).not.toBe('quota')
      const answers = await Promise.all([5, 6, 7].map((n) => add(n, 40, 'wsp_3')))
      expect(answers.filter((answer) => answer === 'quota')).toHaveLength(1)
    })

    it('may come again, which is a use and takes no room', async () => {
      await add(1, 100)
      subject.clock.advance(DAY)
      expect(await add(1, 100)).toMatchObject({ lastUsedAt: subject.clock.now(), bytes: 100 })
      expect((await get(1))?.createdAt).toBe(subject.clock.now() - DAY)
    })

    it('give their room back when they are removed', async () => {
      await add(1, 100)
      subject.clock.advance(1)
      await removeUnused()
      expect(await add(2, 100)).not.toBe('quota')
    })

    it('are removed when nobody used them for so long', async () => {
      await add(1)
      await add(2)
      subject.clock.advance(DAY)
      await subject.store.archives.markUsed(WORKSPACE, sha256(2))
      await subject.store.archives.markUsed(WORKSPACE, sha256(9))
      expect(await removeUnused()).toEqual([sha256(1)])
      expect(await get(1)).toBeUndefined()
      expect(await get(2)).toMatchObject({ lastUsedAt: subject.clock.now() })
    })

    it('stay while a revision names them', async () => {
      const pinned = newPush({ definition: definition({ archive: sha256(1) }) })
      await add(1)
      await add(2)
      await subject.store.suites.push(WORKSPACE, 'smoke', pinned)
      await subject.store.suites.push(WORKSPACE, 'smoke', newPush({ digest: sha256(5) }))
      // The same content in another workspace is another archive.
      await subject.store.suites.push('wsp_2', 'smoke', newPush({ definition: definition({ archive: sha256(2) }) }))
      subject.clock.advance(DAY)
      expect(await removeUnused()).toEqual([sha256(2)])
      await subject.store.suites.delete(WORKSPACE, 'smoke')
      expect(await removeUnused()).toEqual([sha256(1)])
    })

    it('stay when a revision named them before they came again', async () => {
      await subject.store.suites.push(WORKSPACE, 'smoke', newPush({ definition: definition({ archive: sha256(1) }) }))
      await add(1)
      subject.clock.advance(DAY)
      expect(await removeUnused()).toEqual([])
    })

    it('stay while an unfinished run needs them', async () => {
      await add(1)
      const { id } = await createRun(subject.store, { definition: definition({ archive: sha256(1) }) })
      subject.clock.advance(DAY)
      expect(await removeUnused()).toEqual([])
      await subject.store.runs.cancel(id, 'cancelled_by_user', '')
      expect(await removeUnused()).toEqual([sha256(1)])
    })

    it('name only blobs that no other workspace and no artifact needs', async () => {
      await add(1)
      await add(1, 10, 'wsp_2')
      await add(2)
      await createRun(subject.store, { workspace: 'wsp_3' })
      const run = (await subject.store.queue.claim({ id: 'wrk_1', labels: [] }, { leaseMs: SECOND, perWorkspace: 1 }))!
      await subject.store.artifacts.add({ run: run.id, attempt: 1 }, { path: 'a', bytes: 1, sha256: sha256(2) })
      subject.clock.advance(DAY)
      await subject.store.archives.markUsed('wsp_2', sha256(1))
      expect(await removeUnused()).toEqual([])
      expect([await get(1), await get(2)]).toEqual([undefined, undefined])
      expect(await get(1, 'wsp_2')).toBeDefined()
    })

    it('are removed no more at once than was said, the longest unused first', async () => {
      for (const n of [3, 1, 2]) {
        await add(n)
        subject.clock.advance(1)
      }
      expect(await removeUnused(2)).toEqual([sha256(3), sha256(1)])
      expect(await removeUnused(2)).toEqual([sha256(2)])
    })
  })
}
