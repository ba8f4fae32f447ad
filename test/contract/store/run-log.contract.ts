import { describe, expect, it } from 'vitest'
import { claim, finish, type OpenStore, runningRun, useStore } from './subject.ts'

export function runLogContract(open: OpenStore): void {
  describe("a run's log", () => {
    const subject = useStore(open)
    const read = (run: string, attempt = 1, afterSeq = 0, limit = 100) =>
      subject.store.runLog.read(run, attempt, afterSeq, limit)

    it('keeps chunks in order, also when they are appended at once', async () => {
      const { lease } = await runningRun(subject.store)
      const texts = ['a\n', 'b\u001b[31m', '€\n', '']
      const answers = await Promise.all(texts.map((text, i) => subject.store.runLog.append(lease, i + 1, text)))
      expect(new Set(answers)).toEqual(new Set(['accepted']))
      expect(await read(lease.run)).toEqual(texts.map((text, i) => ({ attempt: 1, seq: i + 1, text })))
    })

    it('is read on from where the reader was', async () => {
      const { lease } = await runningRun(subject.store)
      for (let seq = 1; seq <= 5; seq++) await subject.store.runLog.append(lease, seq, `${seq}`)
      expect((await read(lease.run, 1, 1, 2)).map(({ seq }) => seq)).toEqual([2, 3])
      expect(await read(lease.run, 1, 5)).toEqual([])
    })

    it('drops a chunk that is there already', async () => {
      const { lease } = await runningRun(subject.store)
      await subject.store.runLog.append(lease, 1, 'first')
      expect(await subject.store.runLog.append(lease, 1, 'again')).toBe('accepted')
      expect(await read(lease.run)).toMatchObject([{ text: 'first' }])
    })

    it('changes nothing that the version is for', async () => {
      const { run, lease } = await runningRun(subject.store)
      await subject.store.runLog.append(lease, 1, 'x')
      expect(await subject.store.runs.get(run.id)).toEqual(run)
    })

    it('is one for each attempt, and takes nothing from one that is over', async () => {
      const { lease } = await runningRun(subject.store)
      await subject.store.runLog.append(lease, 1, 'of the first attempt')
      await subject.store.queue.release(lease, 'wrk_1')
      expect(await subject.store.runLog.append(lease, 2, 'late')).toBe('lost')
      await claim(subject.store)
      expect(await subject.store.runLog.append(lease, 2, 'late')).toBe('lost')
      await subject.store.runLog.append({ ...lease, attempt: 2 }, 1, 'of the second')
      expect(await read(lease.run, 1)).toMatchObject([{ text: 'of the first attempt' }])
      expect(await read(lease.run, 2)).toMatchObject([{ attempt: 2, text: 'of the second' }])
    })

    it('takes nothing after the verdict', async () => {
      const { lease } = await runningRun(subject.store)
      await finish(subject.store, lease)
      expect(await subject.store.runLog.append(lease, 1, 'too late')).toBe('lost')
      expect(await read(lease.run)).toEqual([])
    })
  })
}
