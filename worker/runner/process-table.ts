import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'

export interface ProcessEntry {
  readonly pid: number
  /** Of its program, at most 15 characters. */
  readonly name: string
  readonly parent: number
  readonly group: number
  readonly threads: number
  /** Clock ticks since boot: tells a process from a later one of the same number. */
  readonly startedAt: number
}

/** Whether this machine shows its processes under /proc (Linux does). */
export function hasProcessTable(): boolean {
  return existsSync('/proc/self/stat')
}

/** All processes that this one may see, zombies left out; none where they cannot be read just now. */
export async function readProcessTable(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const entries = await Promise.all(pids.map((pid) => readProcess(Number(pid))))
  return entries.filter((entry) => entry !== undefined)
}

/** One process; undefined when it is not there or a zombie. */
export async function readProcess(pid: number): Promise<ProcessEntry | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (stat === undefined) return undefined
  // The name, in brackets, may hold anything; what follows its last bracket is proc_pid_stat(5) from field 3 on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  const [parent, group, threads, startedAt] = [1, 2, 17, 19].map((index) => Number(fields[index]))
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
  return { pid, name, parent: parent!, group: group!, threads: threads!, startedAt: startedAt! }
}

/** The children of a process, theirs, and so on; without itself. */
export function descendants(table: readonly ProcessEntry[], root: number): ProcessEntry[] {
  const children = new Map<number, ProcessEntry[]>()
  for (const entry of table) children.set(entry.parent, [...(children.get(entry.parent) ?? []), entry])
  const found: ProcessEntry[] = []
  const queue = [root]
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of children.get(pid) ?? []) {
      found.push(child)
      queue.push(child.pid)
    }
  }
  return found
}

/** Memory that is the processes' own, in bytes: resident, less what files and shared memory back (statm, fields 2 and 3). */
export async function ownMemory(entries: readonly ProcessEntry[]): Promise<number> {
  const sizes = await Promise.all(
    entries.map(async ({ pid }) => {
      const statm = await readFile(`/proc/${pid}/statm`, 'latin1').catch(() => '0 0 0')
      const [, resident, shared] = statm.split(' ').map(Number)
      return ((resident ?? 0) - (shared ?? 0)) * 4096
    }),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The processes whose environment, as it was at their start, has a HOME that begins so: how those of a run are known. */
export async function pidsByHome(home: string): Promise<number[]> {
  const pids = (await readProcessTable()).map((entry) => entry.pid)
  const ours = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      return environment.split('\0').some((entry) => entry.startsWith(`HOME=${home}`))
    }),
  )
  return pids.filter((_, index) => ours[index])
}

/** A signal to a process, or to a group by its negative number, that may have ended in the meantime. */
export function signalIfThere(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended.
  }
}
