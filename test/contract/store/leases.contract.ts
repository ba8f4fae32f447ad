import { describe, expect, it } from 'vitest'
import { type OpenStore, SECOND, useStore } from './subject.ts'

export function leasesContract(open: OpenStore): void {
  describe('a lease', () => {
    const subject = useStore(open)
    const acquire = (owner: string) => subject.store.leases.acquire('sweep', owner, 5 * SECOND)

    it('is had by one owner, however many ask at once', async () => {
      const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(acquire))
      expect(answers.filter(Boolean)).toHaveLength(1)
    })

    it('is prolonged by its owner, and is free for others from its end by the clock of the store', async () => {
      expect(await acquire('a')).toBe(true)
      subject.clock.advance(4 * SECOND)
      expect(await acquire('a')).toBe(true)
      subject.clock.advance(5 * SECOND - 1)
      expect(await acquire('b')).toBe(false)
      subject.clock.advance(1)
      expect(await acquire('b')).toBe(true)
      expect(await acquire('a')).toBe(false)
    })

    it('is free once its owner gave it up, and nobody else can', async () => {
      await acquire('a')
      await subject.store.leases.release('sweep', 'b')
      expect(await acquire('b')).toBe(false)
      await subject.store.leases.release('sweep', 'a')
      expect(await acquire('b')).toBe(true)
    })

    it('takes an owner by its letter', async () => {
      expect(await acquire('$owner')).toBe(true)
      expect(await acquire('$$NOW')).toBe(false)
    })
  })
}
