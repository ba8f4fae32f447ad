import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { CgroupParents } from './cgroups.ts'

/** What of the machine is looked at; the paths of the kernel's own, or a copy of them in a test. */
export interface CgroupView {
  /** The content of /proc/self/mountinfo. */
  readonly mountinfo: string
  /** The content of /proc/self/cgroup. */
  readonly membership: string
  readonly isRoot: boolean
}

export function readCgroupView(isRoot: boolean): CgroupView {
  const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'latin1') : '')
  return { mountinfo: read('/proc/self/mountinfo'), membership: read('/proc/self/cgroup'), isRoot }
}

interface Mount {
  readonly root: string
  readonly at: string
  readonly type: string
  readonly options: readonly string[]
}

/**
 * The folders below which groups with the controllers memory and pids can be made: version 2 where it has both, else
 * version 1, else none (reading is all that is tried here; see `tryCgroups`).
 */
export function findCgroupParents(view: CgroupView): CgroupParents[] {
  const mounts = view.mountinfo.split('\n').flatMap(parseMount)
  return [...versionTwo(mounts, view), ...versionOne(mounts, view)]
}

/** proc_pid_mountinfo(5): `id parent major:minor root at options [optional…] - type source super-options`. */
function parseMount(line: string): Mount[] {
  const [before, after] = line.split(' - ')
  const [, , , root, at] = (before ?? '').split(' ')
  const [type, , options] = (after ?? '').split(' ')
  return root && at && type?.startsWith('cgroup') ? [{ root, at, type, options: (options ?? '').split(',') }] : []
}

/** The group that this process is in, as a folder below the mount; undefined where the mount does not show it. */
function ownFolder(mount: Mount, membership: string, controller: string): string | undefined {
  const line = membership
    .split('\n')
    .map((text) => /^\d+:([^:]*):(.*)$/.exec(text))
    .find((match) => match?.[1]?.split(',').includes(controller))
  if (!line) return undefined
  const below = relative(mount.root, line[2] ?? '/')
  return below.startsWith('..') ? undefined : join(mount.at, below)
}

/** In version 1 a group may hold processes and groups: ours go below our own, so a limit on us is one on them. */
function versionOne(mounts: readonly Mount[], view: CgroupView): CgroupParents[] {
  const folder = (controller: string): string | undefined => {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller))
    const own = mount && ownFolder(mount, view.membership, controller)
    return own !== undefined && existsSync(own) ? own : mount?.at
  }
  const [memory, pids] = [folder('memory'), folder('pids')]
  return memory && pids ? [{ version: 1, memory, pids }] : []
}

/** In version 2 a group that gives controllers to others may hold no processes itself, but for the machine's root. */
function versionTwo(mounts: readonly Mount[], view: CgroupView): CgroupParents[] {
  const mount = mounts.find(({ type }) => type === 'cgroup2')
  if (!mount) return []
  const own = ownFolder(mount, view.membership, '') ?? mount.at
  return [...new Set([own, mount.at])]
    .filter((folder) => givesControllers(folder, mayMove(folder, own, mount, view)))
    .map((folder) => ({ version: 2, memory: folder, pids: folder }))
}

/** Only a group that is this server's own may be rearranged: a container's top, or one delegated to our user. */
function mayMove(folder: string, own: string, mount: Mount, view: CgroupView): boolean {
  return folder === own && (folder === mount.at || !view.isRoot)
}

function givesControllers(folder: string, mayMoveProcesses: boolean): boolean {
  const wanted = ['memory', 'pids']
  const has = (file: string): boolean => {
    const there = existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'latin1').trim().split(/\s+/) : []
    return wanted.every((controller) => there.includes(controller))
  }
  if (has('cgroup.subtree_control')) return true
  if (!has('cgroup.controllers')) return false
  const enable = (): boolean => {
    try {
      writeFileSync(join(folder, 'cgroup.subtree_control'), '+memory +pids')
      return true
    } catch {
      return false
    }
  }
  return enable() || (mayMoveProcesses && moveProcessesDown(folder) && enable())
}

/** Moves what is in the group into one below it, as the kernel's rule wants. */
function moveProcessesDown(folder: string): boolean {
  const leaf = join(folder, 'verdict-server')
  try {
    mkdirSync(leaf, { recursive: true })
    for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean)) {
      writeFileSync(join(leaf, 'cgroup.procs'), pid)
    }
    return true
  } catch {
    return false
  }
}
