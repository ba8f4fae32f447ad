import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryLimit, processLimit, type RunLimits } from '../limits.ts'
import type { Probe } from '../probes.ts'
import { signalIfThere } from '../process-table.ts'

/** Where control groups of runs are made: one folder a controller (in version 2 the same one). */
export interface CgroupParents {
  readonly version: 1 | 2
  readonly memory: string
  readonly pids: string
}

/** The control group of one run. */
export interface Cgroup {
  add(pid: number): void
  /** Sees what the kernel did for the limits from now on. */
  probe(): Probe
  remove(): Promise<void>
}

/** The number in the name is the worker's own process. */
const PREFIX = 'verdict-'
const GROUP_NAME = /^verdict-(\d+)-[0-9a-f]+$/
/** bubblewrap's own: the one outside, and the first inside. */
const OWN_PROCESSES = 2
const REMOVE_MS = 2_000

interface Setting {
  readonly controller: 'memory' | 'pids'
  readonly file: string
  readonly value: (limits: RunLimits) => number
  /** Not on every kernel. */
  readonly optional?: true
}

const memoryBytes = (limits: RunLimits): number => limits.memoryBytes
const processes = (limits: RunLimits): number => limits.processes + OWN_PROCESSES

/** kernel.org: admin-guide/cgroup-v1/{memory,pids}, admin-guide/cgroup-v2. In the order in which they must be written. */
const SETTINGS: Record<1 | 2, readonly Setting[]> = {
  1: [
    { controller: 'memory', file: 'memory.limit_in_bytes', value: memoryBytes },
    { controller: 'memory', file: 'memory.memsw.limit_in_bytes', value: memoryBytes, optional: true },
    { controller: 'pids', file: 'pids.max', value: processes },
  ],
  2: [
    { controller: 'memory', file: 'memory.max', value: memoryBytes },
    { controller: 'memory', file: 'memory.swap.max', value: () => 0, optional: true },
    { controller: 'memory', file: 'memory.oom.group', value: () => 1, optional: true },
    { controller: 'pids', file: 'pids.max', value: processes },
  ],
}
const OOM_KILLS = { 1: 'memory.oom_control', 2: 'memory.events' } as const

/** Makes the control group of a run. Throws what the kernel says. */
export function makeCgroup(parents: CgroupParents, limits: RunLimits): Cgroup {
  const name = `${PREFIX}${process.pid}-${randomBytes(6).toString('hex')}`
  const folders = { memory: join(parents.memory, name), pids: join(parents.pids, name) }
  const distinct = [...new Set([folders.memory, folders.pids])]
  for (const folder of distinct) mkdirSync(folder)
  for (const { controller, file, value, optional } of SETTINGS[parents.version]) {
    const path = join(folders[controller], file)
    if (!optional || existsSync(path)) writeFileSync(path, String(value(limits)))
  }
  const oomKills = (): number => counter(join(folders.memory, OOM_KILLS[parents.version]), 'oom_kill')
  const refusedForks = (): number => counter(join(folders.pids, 'pids.events'), 'max')
  return {
    add(pid) {
      for (const folder of distinct) writeFileSync(join(folder, 'cgroup.procs'), String(pid))
    },
    probe() {
      const before = { oomKills: oomKills(), refusedForks: refusedForks() }
      const memory = async () => (oomKills() > before.oomKills ? memoryLimit(limits) : null)
      return {
        // One process was killed and the others go on: what they say is worth nothing any more.
        running: memory,
        // A refused fork may have been tried again with success; only a command that failed is judged by it.
        ended: async (succeeded) =>
          (await memory()) ?? (!succeeded && refusedForks() > before.refusedForks ? processLimit(limits) : null),
      }
    },
    async remove() {
      for (const folder of distinct) await removeGroup(folder)
    },
  }
}

/** Ends what runs in the groups of workers that are gone, and removes them. */
export async function removeLeftCgroups(parents: CgroupParents): Promise<void> {
  for (const parent of new Set([parents.memory, parents.pids])) {
    for (const name of readdirSync(parent)) {
      const owner = GROUP_NAME.exec(name)?.[1]
      if (owner === undefined || !isGone(Number(owner))) continue
      for (const pid of processesIn(join(parent, name))) signalIfThere(pid, 'SIGKILL')
      await removeGroup(join(parent, name))
    }
  }
}

/** 0 stands for a process that cannot be seen from here. */
function processesIn(group: string): number[] {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'latin1')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 1)
  } catch {
    return []
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Whether a process can really be put into a group there; the reason why not. */
export function tryCgroups(parents: CgroupParents, toolPath: string): string | undefined {
  const child = spawn('sleep', ['60'], { stdio: 'ignore', env: { PATH: toolPath } })
  child.on('error', () => undefined)
  try {
    const group = makeCgroup(parents, { memoryBytes: 2 ** 30, processes: 100, diskBytes: 0 })
    child.once('exit', () => void group.remove())
    group.add(child.pid!)
    return undefined
  } catch (error) {
    return String(error)
  } finally {
    child.kill('SIGKILL')
  }
}

/** Busy until the kernel has let go of the last process; so it is tried for a bounded time. */
async function removeGroup(folder: string): Promise<void> {
  const until = performance.now() + REMOVE_MS
  while (existsSync(folder)) {
    try {
      rmdirSync(folder)
    } catch {
      if (performance.now() > until) return
      await sleep(5)
    }
  }
}

function counter(file: string, name: string): number {
  try {
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(file, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
