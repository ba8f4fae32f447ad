import { describe, expect, it } from 'vitest'
import type { SuitePush } from '../../../server/store/ports/suites.ts'
import { allPages, definition, newPush, type OpenStore, SECOND, sha256, useStore, WORKSPACE } from './subject.ts'

const from = (repository: string | null) => ({ repository, commit: 'c', dirty: false })

export function suitesContract(open: OpenStore): void {
  describe('suites', () => {
    const subject = useStore(open)
    const push = (change: Partial<SuitePush> = {}, name = 'shop/checkout') =>
      subject.store.suites.push(WORKSPACE, name, newPush(change))
    const get = (name = 'shop/checkout') => subject.store.suites.get(WORKSPACE, name)

    it('are made by their first push, with revision 1', async () => {
      const asked = newPush({ source: from('r1') })
      const now = subject.clock.now()
      const suite = {
        ...{ id: asked.suiteId, workspace: WORKSPACE, name: 'smoke', revision: 1, digest: asked.digest },
        ...{ definition: asked.definition, repository: 'r1', locked: false, createdAt: now, updatedAt: now },
      }
      expect(await subject.store.suites.push(WORKSPACE, 'smoke', asked)).toEqual({ suite, made: true })
      expect(await get('smoke')).toEqual(suite)
      expect(await subject.store.suites.revision(WORKSPACE, 'smoke', 1)).toEqual({
        ...{ id: asked.revisionId, workspace: WORKSPACE, suite: 'smoke', revision: 1, digest: asked.digest },
        ...{ definition: asked.definition, source: from('r1'), createdAt: now, createdBy: 'usr_1' },
      })
      expect(await subject.store.suites.get('wsp_2', 'smoke')).toBeUndefined()
    })

    it('get a new revision for new content, and none for the same', async () => {
      await push()
      const first = await get()
      subject.clock.advance(SECOND)
      expect(await push()).toEqual({ suite: first, made: false })
      const changed = { definition: definition({ run: 'other' }), digest: sha256(2) }
      expect(await push(changed)).toMatchObject({ suite: { ...changed, id: first?.id, revision: 2 }, made: true })
      expect((await get())?.updatedAt).toBe(subject.clock.now())
      expect((await subject.store.suites.revision(WORKSPACE, 'shop/checkout', 1))?.digest).toBe(sha256(1))
      expect(await push()).toMatchObject({ suite: { revision: 3 }, made: true })
    })

    it('are found with their newest revision, which is none while nothing was pushed', async () => {
      const { suites } = subject.store
      expect(await suites.current(WORKSPACE, 'smoke')).toBeUndefined()
      await suites.record(WORKSPACE, 'smoke', 'rev_1', 'r1')
      expect(await suites.current(WORKSPACE, 'smoke')).toEqual({
        suite: await suites.get(WORKSPACE, 'smoke'),
        revision: null,
      })
      for (const n of [1, 2]) {
        await push({ digest: sha256(n), definition: definition({ run: `${n}` }), source: from('r1') }, 'smoke')
        expect(await suites.current(WORKSPACE, 'smoke')).toEqual({
          suite: await suites.get(WORKSPACE, 'smoke'),
          revision: await suites.revision(WORKSPACE, 'smoke', n),
        })
      }
    })

    it('get one revision of many equal pushes at once', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => push()))
      expect(answers.filter((answer) => 'made' in answer && answer.made)).toHaveLength(1)
      expect((await get())?.revision).toBe(1)
    })

    it('are not changed from another repository, unless it takes them over', async () => {
      await push({ source: from('r1') })
      const other = { source: from('r2'), digest: sha256(2) }
      expect(await push(other)).toEqual({ conflict: 'other_repository', repository: 'r1' })
      expect(await push({ ...other, digest: sha256(1) })).toMatchObject({ conflict: 'other_repository' })
      expect(await get()).toMatchObject({ revision: 1, repository: 'r1' })
      expect(await push({ ...other, takeOver: true })).toMatchObject({ suite: { revision: 2, repository: 'r2' } })
    })

    it('keep their repository when a push names none, and learn it from the first that does', async () => {
      await push()
      subject.clock.advance(SECOND)
      expect(await push({ source: from('r1') })).toMatchObject({
        suite: { repository: 'r1', revision: 1 },
        made: false,
      })
      expect(await push({ digest: sha256(2) })).toMatchObject({ suite: { repository: 'r1', revision: 2 } })
      expect(await get()).toMatchObject({ repository: 'r1' })
    })

    it('that are locked are unlocked by an owner only', async () => {
      await push({ definition: definition({ locked: true }) })
      expect((await get())?.locked).toBe(true)
      expect(await push({ digest: sha256(2) })).toEqual({ conflict: 'owner_needed' })
      const stillLocked = { definition: definition({ locked: true, run: 'b' }), digest: sha256(3) }
      expect(await push(stillLocked)).toMatchObject({ suite: { locked: true, revision: 2 } })
      expect(await push({ digest: sha256(2), owner: true })).toMatchObject({ suite: { locked: false, revision: 3 } })
    })

    it('are recorded from runs that brought their definition, if they are new', async () => {
      await subject.store.suites.record(WORKSPACE, 'smoke', 'sui_a', 'r1')
      const recorded = await get('smoke')
      expect(recorded).toMatchObject({ id: 'sui_a', revision: null, digest: null, definition: null, repository: 'r1' })
      subject.clock.advance(SECOND)
      await Promise.all(['sui_b', 'sui_c'].map((id) => subject.store.suites.record(WORKSPACE, 'smoke', id, 'r2')))
      expect(await get('smoke')).toEqual(recorded)
      expect(await push({ source: from('r2') }, 'smoke')).toMatchObject({ conflict: 'other_repository' })
      expect(await push({ source: from('r1') }, 'smoke')).toMatchObject({
        suite: { id: 'sui_a', revision: 1 },
        made: true,
      })
    })

    it('are listed newest first page by page, and by name', async () => {
      const names = ['d', 'b', 'a', 'c', 'e']
      for (const name of names) {
        await push({}, name)
        if (name === 'b') subject.clock.advance(1)
      }
      await subject.store.suites.push('wsp_2', 'foreign', newPush())
      const all = await allPages((page) => subject.store.suites.list(WORKSPACE, page), 2)
      expect(all.map(({ name }) => name)).toEqual([...names].reverse())
      expect((await subject.store.suites.names(WORKSPACE)).sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
    })

    it('list their revisions newest first page by page', async () => {
      for (let n = 1; n <= 5; n++) await push({ digest: sha256(n) })
      const list = (page: { limit: number }) => subject.store.suites.revisions(WORKSPACE, 'shop/checkout', page)
      expect((await allPages(list, 2)).map(({ revision }) => revision)).toEqual([5, 4, 3, 2, 1])
      expect(await subject.store.suites.revision(WORKSPACE, 'shop/checkout', 6)).toBeUndefined()
    })

    it('go with their revisions and secrets, and those of others stay', async () => {
      await push()
      await push({}, 'other')
      await subject.store.suiteSecrets.put(WORKSPACE, 'shop/checkout', 'TOKEN', 'sealed')
      await subject.store.suiteSecrets.put(WORKSPACE, 'other', 'TOKEN', 'sealed')
      expect(await subject.store.suites.delete(WORKSPACE, 'shop/checkout')).toBe(true)
      expect(await subject.store.suites.delete(WORKSPACE, 'shop/checkout')).toBe(false)
      expect(await get()).toBeUndefined()
      expect(await subject.store.suites.revisions(WORKSPACE, 'shop/checkout', { limit: 5 })).toEqual([])
      expect(await subject.store.suiteSecrets.list(WORKSPACE, 'shop/checkout')).toEqual([])
      expect(await get('other')).toBeDefined()
      expect(await subject.store.suiteSecrets.list(WORKSPACE, 'other')).toHaveLength(1)
    })

    it('have secrets by name, which are replaced and removed one by one', async () => {
      const { suiteSecrets } = subject.store
      const createdAt = subject.clock.now()
      await suiteSecrets.put(WORKSPACE, 'smoke', 'B', 'sealed b')
      subject.clock.advance(SECOND)
      const replaced = { name: 'B', sealedValue: 'new', createdAt, updatedAt: subject.clock.now() }
      expect(await suiteSecrets.put(WORKSPACE, 'smoke', 'B', 'new')).toEqual(replaced)
      await suiteSecrets.put(WORKSPACE, 'smoke', 'A', 'sealed a')
      expect(await suiteSecrets.list(WORKSPACE, 'smoke')).toMatchObject([{ name: 'A' }, replaced])
      expect(await suiteSecrets.list('wsp_2', 'smoke')).toEqual([])
      expect(await suiteSecrets.delete(WORKSPACE, 'smoke', 'A')).toBe(true)
      expect(await suiteSecrets.delete(WORKSPACE, 'smoke', 'A')).toBe(false)
      expect(await suiteSecrets.list(WORKSPACE, 'smoke')).toEqual([replaced])
    })
  })
}
