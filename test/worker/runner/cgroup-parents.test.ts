import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { findCgroupParents } from '../../../worker/runner/sandbox/cgroup-parents.ts'
import { makeCgroup } from '../../../worker/runner/sandbox/cgroups.ts'
import { temporaryFolder } from '../../support/folder.ts'

/** Folders that look like the kernel's: what is found and written is checked here, what it does by runner.sandbox.test.ts. */
describe('control groups', () => {
  let root: string
  beforeEach(() => {
    root = temporaryFolder('verdict-cgroups-')
  })

  const mountOf = (type: string, at: string, options: string, top = '/') =>
    `35 31 0:32 ${top} ${join(root, at)} rw,relatime shared:9 - ${type} ${type} rw,${options}`
  const folder = (path: string, files: Record<string, string> = {}) => {
    mkdirSync(join(root, path), { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, path, name), text)
    return join(root, path)
  }
  const limits = { memoryBytes: 1000, processes: 10, diskBytes: 0 }

  it('are made below our own group in version 1', () => {
    const memory = folder('memory/docker/abc')
    const pids = folder('pids')
    const mountinfo = [mountOf('cgroup', 'memory', 'memory'), mountOf('cgroup', 'pids', 'pids')].join('\n')
    const membership = '4:memory:/docker/abc\n8:pids:/\n0::/\n'
    expect(findCgroupParents({ mountinfo, membership, isRoot: true })).toEqual([{ version: 1, memory, pids }])
  })

  it('are found where a container shows its own group as the top', () => {
    const memory = folder('memory')
    const pids = folder('pids')
    const mountinfo = [
      mountOf('cgroup', 'memory', 'memory', '/docker/abc'),
      mountOf('cgroup', 'pids', 'pids', '/docker/abc'),
    ].join('\n')
    const membership = '4:memory:/docker/abc\n8:pids:/docker/abc\n'
    expect(findCgroupParents({ mountinfo, membership, isRoot: true })).toEqual([{ version: 1, memory, pids }])
  })

  it('are preferred in version 2 where it has both controllers', () => {
    const top = folder('unified', { 'cgroup.subtree_control': 'cpu memory pids' })
    folder('unified/system.slice/verdict.service', { 'cgroup.controllers': '' })
    const mountinfo = mountOf('cgroup2', 'unified', 'nsdelegate')
    const membership = '0::/system.slice/verdict.service\n'
    expect(findCgroupParents({ mountinfo, membership, isRoot: true })).toEqual([{ version: 2, memory: top, pids: top }])
  })

  it('get the controllers in a group that was delegated to us', () => {
    folder('unified', {})
    const own = folder('unified/user/verdict', {
      'cgroup.controllers': 'memory pids',
      'cgroup.subtree_control': '',
      'cgroup.procs': '',
    })
    const mountinfo = mountOf('cgroup2', 'unified', 'nsdelegate')
    const found = findCgroupParents({ mountinfo, membership: '0::/user/verdict\n', isRoot: false })
    expect(found).toEqual([{ version: 2, memory: own, pids: own }])
    expect(readFileSync(join(own, 'cgroup.subtree_control'), 'utf8')).toBe('+memory +pids')
  })

  it.each([
    ['no mount', '', ''],
    ['version 2 without controllers', 'cgroup2', '0::/\n'],
  ])('are not found with %s', (_what, type, membership) => {
    folder('unified', { 'cgroup.controllers': 'hugetlb', 'cgroup.subtree_control': '' })
    const mountinfo = type === '' ? '' : mountOf(type, 'unified', 'rw')
    expect(findCgroupParents({ mountinfo, membership, isRoot: true })).toEqual([])
  })

  it("hold memory, swap and processes in version 2, and what they counted before is not this command's", async () => {
    const top = folder('unified')
    const group = makeCgroup({ version: 2, memory: top, pids: top }, limits)
    const [name] = (await import('node:fs')).readdirSync(top)
    const file = (leaf: string): string => join(top, name!, leaf)
    expect(readFileSync(file('memory.max'), 'utf8')).toBe('1000')
    expect(readFileSync(file('pids.max'), 'utf8')).toBe('12')
    writeFileSync(file('memory.events'), 'low 0\noom 1\noom_kill 1\noom_group_kill 0\n')
    writeFileSync(file('pids.events'), 'max 4\n')
    const probe = group.probe()
    expect(await probe.running!()).toBeNull()
    expect(await probe.ended!(false)).toBeNull()
    writeFileSync(file('pids.events'), 'max 5\n')
    expect(await probe.ended!(true)).toBeNull()
    expect((await probe.ended!(false))?.code).toBe('process_limit')
    writeFileSync(file('memory.events'), 'oom 2\noom_kill 2\n')
    expect((await probe.running!())?.code).toBe('memory_limit')
    expect(existsSync(file('memory.swap.max'))).toBe(false)
  })
})
