import { describe, expect, it } from 'vitest'
import type { ReportedCase } from '../../../contract/cases.ts'
import { claim, finish, LEASE_MS, type OpenStore, runningRun, useStore } from './subject.ts'

const reported = (n: number, change: Partial<ReportedCase> = {}): ReportedCase => ({
  name: `case ${n}`,
  classname: 'shop.Checkout',
  testSuite: null,
  file: 'test/checkout.test.ts',
  line: n,
  state: n % 3 === 0 ? 'failed' : 'passed',
  durationMs: 1.5,
  message: n % 3 === 0 ? 'expected 1, got "2"\n\u0000é' : null,
  details: null,
  flaky: false,
  ...change,
})
const block = (from: number, count: number) => Array.from({ length: count }, (_, i) => reported(from + i))

export function casesContract(open: OpenStore): void {
  describe('cases', () => {
    const subject = useStore(open)
    const list = (run: string, query = {}) => subject.store.cases.list(run, 1, { afterId: 0, limit: 100, ...query })

    it('are kept whole, in the order of the report, with ids from 1 over all blocks', async () => {
      const { lease } = await runningRun(subject.store)
      expect(await subject.store.cases.append(lease, 1, block(1, 4))).toBe('accepted')
      expect(await subject.store.cases.append(lease, 2, block(5, 2))).toBe('accepted')
      expect(await list(lease.run)).toEqual(block(1, 6).map((item, i) => ({ id: i + 1, ...item })))
    })

    it('are kept once when a block is repeated', async () => {
      const { lease } = await runningRun(subject.store)
      await Promise.all(Array.from({ length: 5 }, () => subject.store.cases.append(lease, 1, block(1, 3))))
      expect(await subject.store.cases.append(lease, 1, block(7, 3))).toBe('accepted')
      expect((await list(lease.run)).map(({ name }) => name)).toEqual(['case 1', 'case 2', 'case 3'])
    })

    it('are read page by page, all or those of one state', async () => {
      const { lease } = await runningRun(subject.store)
      await subject.store.cases.append(lease, 1, block(1, 500))
      const ids = async (query: object) => (await list(lease.run, query)).map(({ id }) => id)
      expect(await ids({ limit: 2 })).toEqual([1, 2])
      expect(await ids({ limit: 2, afterId: 498 })).toEqual([499, 500])
      expect(await ids({ limit: 2, afterId: 500 })).toEqual([])
      expect(await ids({ state: 'failed', limit: 2 })).toEqual([3, 6])
      expect(await ids({ state: 'failed', limit: 2, afterId: 6 })).toEqual([9, 12])
      expect(await ids({ state: 'errored' })).toEqual([])
    })

    it('take an empty block', async () => {
      const { lease } = await runningRun(subject.store)
      expect(await subject.store.cases.append(lease, 1, [])).toBe('accepted')
      expect(await list(lease.run)).toEqual([])
    })

    it('are refused from an attempt that holds the run no more', async () => {
      const { lease } = await runningRun(subject.store)
      await subject.store.cases.append(lease, 1, block(1, 2))
      subject.clock.advance(LEASE_MS)
      await subject.store.queue.takeBackLost(10)
      expect(await subject.store.cases.append(lease, 2, block(3, 2))).toBe('lost')
      await claim(subject.store)
      expect(await subject.store.cases.append(lease, 2, block(3, 2))).toBe('lost')
      expect(await subject.store.cases.append({ ...lease, attempt: 2 }, 1, block(7, 1))).toBe('accepted')
      expect(await subject.store.cases.list(lease.run, 2, { afterId: 0, limit: 10 })).toMatchObject([
        { id: 1, line: 7 },
      ])
      await finish(subject.store, { ...lease, attempt: 2 })
      expect(await subject.store.cases.append({ ...lease, attempt: 2 }, 2, block(8, 1))).toBe('lost')
    })
  })
}
