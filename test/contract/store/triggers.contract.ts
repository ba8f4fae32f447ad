import { describe, expect, it } from 'vitest'
import type { Store } from '../../../server/store/ports/store.ts'
import type { TriggerRecord } from '../../../server/store/ports/triggers.ts'
import { allPages, DAY, nextId, type OpenStore, SECOND, useStore, WORKSPACE } from './subject.ts'

export const newTrigger = (change: Partial<TriggerRecord> = {}) => ({
  ...{
    id: nextId('trg'),
    workspace: WORKSPACE,
    suite: 'smoke',
    kind: 'github' as const,
    source: 'stored' as const,
  },
  ...{ events: ['push'], branches: null, repositories: null, forks: false, callbackUrl: null, description: null },
  ...{ variables: { A: '1', B: { pointer: '/b' } }, secrets: [{ sealed: 's1', until: null }], disabled: false },
  ...change,
})

export async function createTrigger(store: Store, change: Partial<TriggerRecord> = {}) {
  const made = await store.triggers.create(newTrigger(change), 100)
  if (made === 'too_many') throw new Error(made)
  return made
}

export function triggersContract(open: OpenStore): void {
  describe('triggers', () => {
    const subject = useStore(open)
    const create = (change: Partial<TriggerRecord> = {}) => createTrigger(subject.store, change)

    it('are kept as they were made', async () => {
      const asked = newTrigger()
      const made = await subject.store.triggers.create(asked, 100)
      const now = subject.clock.now()
      expect(made).toEqual({ ...asked, createdAt: now, updatedAt: now })
      expect(await subject.store.triggers.get(asked.id)).toEqual(made)
    })

    it('are as many in a workspace as is allowed', async () => {
      await create()
      expect(await subject.store.triggers.create(newTrigger(), 1)).toBe('too_many')
    })

    it('are changed, rotated, listed and deleted', async () => {
      const made = await create()
      subject.clock.advance(SECOND)
      const change = { forks: true, disabled: true, branches: ['main'], variables: {} }
      expect(await subject.store.triggers.update(made.id, change)).toEqual({
        ...made,
        ...change,
        updatedAt: subject.clock.now(),
      })
      const until = subject.clock.now() + DAY
      expect((await subject.store.triggers.rotate(made.id, 's2', until))?.secrets).toEqual([
        { sealed: 's2', until: null },
        { sealed: 's1', until },
      ])
      const other = await create()
      const all = await allPages((page) => subject.store.triggers.list(WORKSPACE, page), 1)
      expect(all.map(({ id }) => id)).toEqual([other.id, made.id])
      expect(await subject.store.triggers.delete(made.id)).toBe(true)
      expect(await subject.store.triggers.delete(made.id)).toBe(false)
      expect(await subject.store.triggers.get(made.id)).toBeUndefined()
      expect(await subject.store.triggers.update(made.id, {})).toBeUndefined()
    })

    it('know for a day which run a webhook started, by any of its tokens', async () => {
      const { triggers } = subject.store
      await triggers.noteRun('trg_1', ['id:1', 'sha256:a'], 'run_1')
      expect(await triggers.runOf('trg_1', ['id:2', 'sha256:a'])).toBe('run_1')
      expect(await triggers.runOf('trg_1', ['id:1'])).toBe('run_1')
      expect(await triggers.runOf('trg_2', ['id:1'])).toBeUndefined()
      subject.clock.advance(DAY)
      expect(await triggers.runOf('trg_1', ['id:1', 'sha256:a'])).toBeUndefined()
      expect(await triggers.expire(1)).toBe(1)
      expect(await triggers.expire(10)).toBe(1)
      expect(await triggers.expire(10)).toBe(0)
    })
  })
}
