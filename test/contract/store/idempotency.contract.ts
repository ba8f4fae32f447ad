import { describe, expect, it } from 'vitest'
import type { NewAnswer } from '../../../server/store/ports/idempotency.ts'
import { DAY, type OpenStore, SECOND, useStore } from './subject.ts'

const SCOPE = { workspace: 'wsp_1', caller: 'key_1', key: 'k' }
const ANSWER = { status: 201, sealedBody: 'sealed', secretOf: null }

export function idempotencyContract(open: OpenStore): void {
  describe('idempotency keys', () => {
    const subject = useStore(open)
    const reserve = (meaning = 'm', scope = SCOPE) => subject.store.idempotency.reserve(scope, meaning)
    const complete = (answer: NewAnswer = ANSWER, keep: { answerMs?: number; bodyMs?: number } = {}) =>
      subject.store.idempotency.complete(SCOPE, answer, { answerMs: DAY, bodyMs: DAY, ...keep })
    /** As it is kept when it was given just now. */
    const kept = (answer: NewAnswer = ANSWER) => ({ ...answer, completedAt: subject.clock.now() })

    it('are reserved by one of many requests at once', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => reserve()))
      expect(answers.sort()).toEqual([...Array(9).fill('in_progress'), 'reserved'])
    })

    it('give the kept answer to the same meaning, and refuse another', async () => {
      await reserve()
      expect(await reserve('other')).toBe('reused')
      await complete()
      expect(await reserve()).toEqual(kept())
      expect(await reserve('other')).toBe('reused')
    })

    it.each([
      ['workspace', { ...SCOPE, workspace: 'wsp_2' }],
      ['caller', { ...SCOPE, caller: 'key_2' }],
      ['key', { ...SCOPE, key: 'K' }],
    ])('are apart for each %s', async (_name, scope) => {
      await reserve()
      await complete()
      expect(await reserve('other', scope)).toBe('reserved')
    })

    it('are free again when released, but not once they have an answer', async () => {
      await reserve()
      await subject.store.idempotency.release(SCOPE)
      expect(await reserve('other')).toBe('reserved')
      await complete()
      await subject.store.idempotency.release(SCOPE)
      expect(await reserve('other')).toEqual(kept())
    })

    it('are free again 60 s after a request that never came to an end', async () => {
      await reserve()
      subject.clock.advance(60 * SECOND - 1)
      expect(await reserve()).toBe('in_progress')
      subject.clock.advance(1)
      expect(await reserve('other')).toBe('reserved')
    })

    it('keep an answer for as long as was said, from its end on', async () => {
      await reserve()
      subject.clock.advance(30 * SECOND)
      await complete(ANSWER, { answerMs: 600 * SECOND })
      const answer = kept()
      subject.clock.advance(600 * SECOND - 1)
      expect(await reserve()).toEqual(answer)
      subject.clock.advance(1)
      expect(await reserve('other')).toBe('reserved')
    })

    it('keep a body for as long as was said, and remember until the end of the answer that it was given', async () => {
      await reserve()
      await complete({ ...ANSWER, secretOf: 'key_9' }, { bodyMs: 600 * SECOND })
      const answer = kept({ ...ANSWER, secretOf: 'key_9' })
      subject.clock.advance(600 * SECOND - 1)
      expect(await reserve()).toEqual(answer)
      expect(await subject.store.idempotency.expire(10)).toBe(0)
      subject.clock.advance(1)
      expect(await reserve('other')).toBe('reused')
      expect(await reserve()).toEqual({ ...answer, sealedBody: null })
      subject.clock.advance(DAY - 600 * SECOND)
      expect(await reserve()).toBe('reserved')
    })

    it('lose their bodies to the sweeper when nobody asks again', async () => {
      for (const key of ['a', 'b', 'c']) {
        await reserve('m', { ...SCOPE, key })
        await subject.store.idempotency.complete({ ...SCOPE, key }, ANSWER, { answerMs: DAY, bodyMs: 600 * SECOND })
      }
      subject.clock.advance(600 * SECOND)
      expect(await subject.store.idempotency.expire(2)).toBe(2)
      expect(await subject.store.idempotency.expire(2)).toBe(1)
      expect(await subject.store.idempotency.expire(2)).toBe(0)
    })

    it('keep the first answer when two requests come to an end', async () => {
      await reserve()
      await complete()
      await complete({ ...ANSWER, status: 200 })
      expect(await reserve()).toEqual(kept())
    })

    it("erase the answer that holds a key's secret when that was used, and remember that it was given", async () => {
      await reserve()
      await complete({ ...ANSWER, secretOf: 'key_9' })
      await subject.store.idempotency.eraseSecretOf('key_8')
      expect(await reserve()).toMatchObject({ sealedBody: 'sealed' })
      await subject.store.idempotency.eraseSecretOf('key_9')
      expect(await reserve()).toEqual(kept({ status: 201, sealedBody: null, secretOf: 'key_9' }))
    })

    it('are forgotten when they are over, no more at once than was said', async () => {
      for (const key of ['a', 'b', 'c']) await reserve('m', { ...SCOPE, key })
      expect(await subject.store.idempotency.expire(10)).toBe(0)
      subject.clock.advance(60 * SECOND)
      await reserve('m', { ...SCOPE, key: 'd' })
      expect(await subject.store.idempotency.expire(2)).toBe(2)
      expect(await subject.store.idempotency.expire(2)).toBe(1)
      expect(await reserve('m', { ...SCOPE, key: 'd' })).toBe('in_progress')
    })
  })
}
