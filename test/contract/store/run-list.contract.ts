import { beforeEach, describe, expect, it } from 'vitest'
import type { NewRun, RunFilter } from '../../../server/store/ports/runs.ts'
import { allPages, claim, createRun, finish, type OpenStore, SECOND, sha256, useStore, WORKSPACE } from './subject.ts'

const source = (change: Partial<NewRun['source']>): NewRun['source'] => ({
  ...{ kind: 'upload', digest: sha256(1), repository: null, commit: null, dirty: false },
  ...change,
})

/** Made one a second, in this order; the first is claimed and passes. */
const RUNS: Record<string, Partial<NewRun>> = {
  passed: { suite: 'smoke', ci: { branch: 'main', commit: 'c1', headCommit: 'h1' }, labels: ['nightly', 'eu'] },
  sameBranch: { suite: 'smoke', ci: { branch: 'main', commit: 'c2', repository: 'r1' }, labels: ['nightly'] },
  tree: { suite: 'load', source: source({ commit: 'c1', repository: 'r1' }), labels: ['eu'] },
  plain: { suite: 'shop/checkout' },
  foreign: { workspace: 'wsp_2', suite: 'smoke', ci: { branch: 'main', commit: 'c1' }, labels: ['nightly'] },
}

export function runListContract(open: OpenStore): void {
  describe('lists of runs', () => {
    const subject = useStore(open)
    const names = new Map<string, string>()
    let start: number
    beforeEach(async () => {
      start = subject.clock.now()
      for (const [name, change] of Object.entries(RUNS)) {
        names.set((await createRun(subject.store, change)).id, name)
        subject.clock.advance(SECOND)
      }
      const run = (await claim(subject.store))!
      await finish(subject.store, { run: run.id, attempt: 1 })
    })
    const list = async (filter: RunFilter, limit = 10) =>
      (await subject.store.runs.list(WORKSPACE, filter, { limit })).map(({ id }) => names.get(id))

    it.each<[string, RunFilter, string[]]>([
      ['none', {}, ['plain', 'tree', 'sameBranch', 'passed']],
      ['undefined ones', { suite: undefined, branch: undefined }, ['plain', 'tree', 'sameBranch', 'passed']],
      ['suite', { suite: 'smoke' }, ['sameBranch', 'passed']],
      ['state', { state: 'queued' }, ['plain', 'tree', 'sameBranch']],
      ['final state', { state: 'passed' }, ['passed']],
      ['suite and state', { suite: 'smoke', state: 'queued' }, ['sameBranch']],
      ['label', { label: 'eu' }, ['tree', 'passed']],
      ['label and suite', { label: 'eu', suite: 'load' }, ['tree']],
      ['label and state', { label: 'nightly', state: 'passed' }, ['passed']],
      ["commit, of the build or of the tree's source", { commit: 'c1' }, ['tree', 'passed']],
      ["commit, the pull request's own", { commit: 'h1' }, ['passed']],
      ['branch', { branch: 'main' }, ['sameBranch', 'passed']],
      ['repository, of the build or of the source', { repository: 'r1' }, ['tree', 'sameBranch']],
      ['all facts at once', { commit: 'c2', label: 'nightly', branch: 'main', repository: 'r1' }, ['sameBranch']],
      ['facts that never meet', { commit: 'c2', label: 'eu' }, []],
      ['a commit that is only the start of one', { commit: 'c' }, []],
      ['the suites of a limited key', { suites: ['load', 'smoke'] }, ['tree', 'sameBranch', 'passed']],
      ['the suites of a limited key, one named twice', { suites: ['load', 'load'] }, ['tree']],
      ['no suites at all', { suites: [] }, []],
      ['a suite that the key may not see', { suites: ['load'], suite: 'smoke' }, []],
      ['a suite that the key may see', { suites: ['load', 'smoke'], suite: 'smoke', label: 'eu' }, ['passed']],
      ['a name with signs of SQL and JSON', { suite: `x' OR '1'='1`, label: '$.a"' }, []],
    ])('filters by %s', async (_name, filter, expected) => {
      expect(await list(filter)).toEqual(expected)
    })

    it('takes `since` as the first moment and `until` as the first moment after', async () => {
      expect(await list({ since: start + SECOND })).toEqual(['plain', 'tree', 'sameBranch'])
      expect(await list({ until: start + SECOND })).toEqual(['passed'])
      expect(await list({ since: start + SECOND, until: start + 2 * SECOND, branch: 'main' })).toEqual(['sameBranch'])
      expect(await list({ since: start + 2 * SECOND, until: start + 2 * SECOND })).toEqual([])
    })

    it('gives every run once over its pages, newest first, also when many were made in one moment', async () => {
      const made: string[] = []
      for (let i = 0; i < 7; i++) made.push((await createRun(subject.store, { workspace: 'wsp_3', labels: ['x'] })).id)
      subject.clock.advance(1)
      for (let i = 0; i < 4; i++) made.push((await createRun(subject.store, { workspace: 'wsp_3', labels: ['x'] })).id)
      for (const filter of [
        {},
        { suite: 'smoke' },
        { label: 'x' },
        { state: 'queued' },
        { suites: ['smoke', 'load'] },
      ]) {
        const all = await allPages((page) => subject.store.runs.list('wsp_3', filter as RunFilter, page))
        expect(all.map(({ id }) => id)).toEqual([...made].reverse())
      }
    })

    it('stays within `until` on every page', async () => {
      const all = await allPages((page) => subject.store.runs.list(WORKSPACE, { until: start + 3 * SECOND }, page), 1)
      expect(all.map(({ id }) => names.get(id))).toEqual(['tree', 'sameBranch', 'passed'])
    })
  })
}
