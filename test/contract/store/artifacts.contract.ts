import { describe, expect, it } from 'vitest'
import { claim, finish, type OpenStore, runningRun, sha256, useStore } from './subject.ts'

const artifact = (path: string, n = 1) => ({ path, bytes: n, sha256: sha256(n) })

export function artifactsContract(open: OpenStore): void {
  describe('artifacts', () => {
    const subject = useStore(open)

    it('are listed by path and counted on the run, with a new version each', async () => {
      const { run, lease } = await runningRun(subject.store)
      expect(await subject.store.artifacts.add(lease, artifact('screens/b.png'))).toBe('accepted')
      await subject.store.artifacts.add(lease, artifact('screens/a ü.png', 2))
      const [a, b] = [artifact('screens/a ü.png', 2), artifact('screens/b.png')]
      expect(await subject.store.artifacts.list(run.id, 1)).toEqual([a, b])
      expect(await subject.store.artifacts.get(run.id, 1, 'screens/b.png')).toEqual(b)
      expect(await subject.store.artifacts.get(run.id, 1, 'screens')).toBeUndefined()
      expect(await subject.store.runs.get(run.id)).toEqual({ ...run, artifacts: 2, version: run.version + 2 })
    })

    it('replace one of the same path, which the run does not show', async () => {
      const { run, lease } = await runningRun(subject.store)
      await subject.store.artifacts.add(lease, artifact('a'))
      await subject.store.artifacts.add(lease, artifact('a', 2))
      expect(await subject.store.artifacts.list(run.id, 1)).toEqual([artifact('a', 2)])
      expect(await subject.store.runs.get(run.id)).toMatchObject({ artifacts: 1, version: run.version + 1 })
    })

    it('belong to an attempt: the next one begins with none', async () => {
      const { run, lease } = await runningRun(subject.store)
      await subject.store.artifacts.add(lease, artifact('a'))
      await subject.store.queue.release(lease, 'wrk_1')
      expect(await claim(subject.store)).toMatchObject({ id: run.id, attempt: 2, artifacts: 0 })
      expect(await subject.store.artifacts.add(lease, artifact('late'))).toBe('lost')
      await subject.store.artifacts.add({ ...lease, attempt: 2 }, artifact('b'))
      expect(await subject.store.artifacts.list(run.id, 2)).toEqual([artifact('b')])
    })

    it('are refused after the verdict', async () => {
      const { lease } = await runningRun(subject.store)
      await finish(subject.store, lease)
      expect(await subject.store.artifacts.add(lease, artifact('late'))).toBe('lost')
    })
  })
}
