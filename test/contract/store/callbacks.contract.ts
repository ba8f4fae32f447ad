import { describe, expect, it } from 'vitest'
import type { NewCallback } from '../../../server/store/ports/callbacks.ts'
import type { Store } from '../../../server/store/ports/store.ts'
import { allPages, DAY, nextId, type OpenStore, SECOND, useStore, WORKSPACE } from './subject.ts'

export function newCallback(change: Partial<NewCallback> = {}): NewCallback {
  return {
    id: nextId('cbk'),
    workspace: WORKSPACE,
    target: { kind: 'standard', url: 'https://example.com/hook' },
    events: ['run.finished'],
    suites: null,
    branches: null,
    description: null,
    secrets: [{ sealed: 'sealed 1', until: null }],
    ...change,
  }
}

export async function createCallback(store: Store, change: Partial<NewCallback> = {}) {
  const callback = await store.callbacks.create(newCallback(change), 100)
  if (callback === 'too_many') throw new Error(callback)
  return callback
}

export function callbacksContract(open: OpenStore): void {
  describe('callbacks', () => {
    const subject = useStore(open)

    it('are kept as they were made', async () => {
      const asked = newCallback({ suites: ['a', 'b/*'], branches: ['main'], description: 'chat' })
      const made = await subject.store.callbacks.create(asked, 100)
      const now = subject.clock.now()
      const rest = { failingSince: null, disabledAt: null, disabledReason: null, createdAt: now, updatedAt: now }
      expect(made).toEqual({ ...asked, ...rest })
      expect(await subject.store.callbacks.get(asked.id)).toEqual(made)
      expect(await subject.store.callbacks.get('cbk_none')).toBeUndefined()
    })

    it('are as many in a workspace as is allowed', async () => {
      for (let n = 0; n < 3; n++) expect(await subject.store.callbacks.create(newCallback(), 3)).not.toBe('too_many')
      expect(await subject.store.callbacks.create(newCallback(), 3)).toBe('too_many')
      expect(await subject.store.callbacks.create(newCallback({ workspace: 'wsp_2' }), 3)).not.toBe('too_many')
    })

    it('are listed newest first page by page, each workspace by itself', async () => {
      const made: string[] = []
      for (let n = 0; n < 5; n++) made.unshift((await createCallback(subject.store)).id)
      await createCallback(subject.store, { workspace: 'wsp_2' })
      const all = await allPages((page) => subject.store.callbacks.list(WORKSPACE, page), 2)
      expect(all.map(({ id }) => id)).toEqual(made)
    })

    it('change what is named and nothing else', async () => {
      const made = await createCallback(subject.store)
      subject.clock.advance(SECOND)
      const changed = await subject.store.callbacks.update(made.id, { suites: ['a'], description: 'new' })
      expect(changed).toEqual({ ...made, suites: ['a'], description: 'new', updatedAt: subject.clock.now() })
      expect(await subject.store.callbacks.update('cbk_none', {})).toBeUndefined()
    })

    it('keep an old secret until its time beside a new one, and forget it with the next', async () => {
      const { id } = await createCallback(subject.store)
      const until = subject.clock.now() + DAY
      expect((await subject.store.callbacks.rotate(id, 'sealed 2', until))?.secrets).toEqual([
        { sealed: 'sealed 2', until: null },
        { sealed: 'sealed 1', until },
      ])
      subject.clock.advance(DAY)
      expect((await subject.store.callbacks.rotate(id, 'sealed 3', subject.clock.now() + 1))?.secrets).toEqual([
        { sealed: 'sealed 3', until: null },
        { sealed: 'sealed 2', until: subject.clock.now() + 1 },
      ])
    })

    it('drop every old secret at once after a leak', async () => {
      const { id } = await createCallback(subject.store)
      await subject.store.callbacks.rotate(id, 'sealed 2', subject.clock.now() + DAY)
      const rotated = await subject.store.callbacks.rotate(id, 'sealed 3', subject.clock.now())
      expect(rotated?.secrets).toEqual([{ sealed: 'sealed 3', until: null }])
    })

    it('that are disabled are active no more, once, until they are enabled', async () => {
      const { id } = await createCallback(subject.store)
      expect((await subject.store.callbacks.active(WORKSPACE)).map((one) => one.id)).toEqual([id])
      expect(await subject.store.callbacks.disable(id, 'gone')).toBe(true)
      expect(await subject.store.callbacks.disable(id, 'again')).toBe(false)
      const disabled = await subject.store.callbacks.get(id)
      expect(disabled).toMatchObject({ disabledAt: subject.clock.now(), disabledReason: 'gone' })
      expect(await subject.store.callbacks.active(WORKSPACE)).toEqual([])
      const told = (await subject.store.outbox.take(10)).map(({ content }) => content)
      expect(told).toEqual([
        { type: 'callback.disabled', callback: { id, kind: 'standard', description: null }, reason: 'gone' },
      ])
      const enabled = await subject.store.callbacks.enable(id)
      expect(enabled).toMatchObject({ disabledAt: null, disabledReason: null, failingSince: null })
    })

    it('are gone when they are deleted', async () => {
      const { id } = await createCallback(subject.store)
      expect(await subject.store.callbacks.delete(id)).toBe(true)
      expect(await subject.store.callbacks.delete(id)).toBe(false)
      expect(await subject.store.callbacks.get(id)).toBeUndefined()
    })

    it('of runs share a secret of the workspace, made once and rotated like others', async () => {
      const { callbacks } = subject.store
      const first = [{ sealed: 'w1', until: null }]
      expect(await callbacks.workspaceSecrets(WORKSPACE, 'w1')).toEqual(first)
      expect(await callbacks.workspaceSecrets(WORKSPACE, 'w2')).toEqual(first)
      const until = subject.clock.now() + DAY
      expect(await callbacks.rotateWorkspaceSecret(WORKSPACE, 'w3', until)).toBe(true)
      expect(await callbacks.workspaceSecrets(WORKSPACE, 'w4')).toEqual([
        { sealed: 'w3', until: null },
        { sealed: 'w1', until },
      ])
      expect(await callbacks.rotateWorkspaceSecret('wsp_2', 'x1', until)).toBe(false)
      expect(await callbacks.workspaceSecrets('wsp_2', 'x2')).toEqual([{ sealed: 'x1', until: null }])
    })
  })
}
