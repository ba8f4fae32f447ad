import { describe, expect, it } from 'vitest'
import { type OpenStore, useStore } from './subject.ts'

export function installationContract(open: OpenStore): void {
  describe('the installation', () => {
    const subject = useStore(open)

    it('keeps the first value of a fact', async () => {
      const { installation } = subject.store
      expect(await installation.get('embedded-worker')).toBeUndefined()
      const values = await Promise.all(['a', 'b', 'c'].map((value) => installation.keep('embedded-worker', value)))
      expect(new Set(values).size).toBe(1)
      expect(await installation.keep('embedded-worker', 'd')).toBe(values[0])
      expect(await installation.get('embedded-worker')).toBe(values[0])
      expect(await installation.get('secret-key-check')).toBeUndefined()
    })

    it('keeps signing keys, newest first', async () => {
      const key = { algorithm: 'ES256' as const, publicKey: '{"kty":"EC"}', sealedPrivateKey: 'sealed', activeAt: 5 }
      const first = await subject.store.signingKeys.add({ id: 'kid-1', ...key })
      expect(first).toEqual({ id: 'kid-1', ...key, createdAt: subject.clock.now(), retiredAt: null })
      subject.clock.advance(1)
      const second = await subject.store.signingKeys.add({ id: 'kid-0', ...key, algorithm: 'RS256' })
      expect(await subject.store.signingKeys.list()).toEqual([second, first])
      await subject.store.signingKeys.retireOthers('kid-0')
      expect(await subject.store.signingKeys.list()).toEqual([second, { ...first, retiredAt: subject.clock.now() }])
      await subject.store.signingKeys.remove('kid-1')
      expect(await subject.store.signingKeys.list()).toEqual([second])
    })

    it('tells its time and that it can write', async () => {
      subject.clock.advance(12)
      expect(await subject.store.now()).toBe(subject.clock.now())
      await subject.store.ping()
    })
  })
}
