import { describe, expect, it } from 'vitest'
import { createKey, NO_LIMIT, newKey, type OpenStore, SECOND, useStore } from './subject.ts'

export function keyRotationContract(open: OpenStore): void {
  describe('the rotation of keys', () => {
    const subject = useStore(open)
    const rotate = (old: string, options: { endsAt?: number | null; atFirstUse?: boolean; maxActive?: number } = {}) =>
      subject.store.keys.rotate(old, newKey(), { endsAt: null, atFirstUse: false, maxActive: NO_LIMIT, ...options })
    const get = async (id: string) => (await subject.store.keys.get(id))!

    it('makes one successor, whatever asks at the same time', async () => {
      const { id } = await createKey(subject.store)
      const answers = await Promise.all(Array.from({ length: 10 }, () => rotate(id)))
      const made = answers.filter((answer) => typeof answer !== 'string')
      expect(made).toHaveLength(1)
      expect(answers.filter((answer) => answer === 'replaced')).toHaveLength(9)
      expect(made[0]).toMatchObject({ replaces: id, endsReplaced: false })
      expect((await get(id)).replacedBy).toBe((made[0] as { id: string }).id)
    })

    it('cuts the old key short, and never makes it longer', async () => {
      const now = subject.clock.now()
      const [free, long, brief] = [
        await createKey(subject.store, { expiresAt: null }),
        await createKey(subject.store, { expiresAt: now + 100 * SECOND }),
        await createKey(subject.store, { expiresAt: now + SECOND }),
      ]
      for (const { id } of [free, long, brief]) await rotate(id, { endsAt: now + 10 * SECOND })
      const ends = await Promise.all([free, long, brief].map(async ({ id }) => (await get(id)).expiresAt))
      expect(ends).toEqual([now + 10 * SECOND, now + 10 * SECOND, now + SECOND])
      expect(await subject.store.revocations.changedSince(now)).toContainEqual(
        expect.objectContaining({ id: free.id, expiresAt: now + 10 * SECOND }),
      )
    })

    it('is refused for a key that has ended or is not there, and where there are too many', async () => {
      const [revoked, expired, good] = [
        await createKey(subject.store),
        await createKey(subject.store, { expiresAt: subject.clock.now() + SECOND }),
        await createKey(subject.store),
      ]
      await subject.store.keys.revoke(revoked.id)
      subject.clock.advance(SECOND)
      for (const id of [revoked.id, expired.id, 'key_none']) expect(await rotate(id)).toBe('ended')
      expect(await rotate(good.id, { maxActive: 1 })).toBe('too_many')
    })

    it('ends the old key at the first use of the new one where that was asked for, once', async () => {
      const [one, two] = [await createKey(subject.store), await createKey(subject.store)]
      const first = (await rotate(one.id, { atFirstUse: true })) as { id: string }
      const second = (await rotate(two.id)) as { id: string }
      subject.clock.advance(SECOND)
      expect(await subject.store.keys.endReplaced(first.id)).toMatchObject({
        id: one.id,
        expiresAt: subject.clock.now(),
      })
      expect(await subject.store.keys.endReplaced(first.id)).toBeUndefined()
      expect(await subject.store.keys.endReplaced(second.id)).toBeUndefined()
      expect((await get(two.id)).expiresAt).toBeNull()
      expect(await subject.store.keys.endReplaced(one.id)).toBeUndefined()
    })

    it('aside, all keys of a user end at once, or those for one workspace', async () => {
      const [a, b, c] = [
        await createKey(subject.store, { workspace: 'wsp_1' }),
        await createKey(subject.store, { workspace: 'wsp_2' }),
        await createKey(subject.store, { user: 'usr_2' }),
      ]
      expect(await subject.store.keys.revokeAll({ user: 'usr_1', workspace: 'wsp_1' })).toBe(1)
      expect((await get(b.id)).revokedAt).toBeNull()
      expect(await subject.store.keys.revokeAll({ user: 'usr_1' })).toBe(1)
      expect((await get(a.id)).revokedAt).not.toBeNull()
      expect((await get(c.id)).revokedAt).toBeNull()
    })
  })
}
