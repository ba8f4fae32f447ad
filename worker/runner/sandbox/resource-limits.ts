import { readFile } from 'node:fs/promises'
import type { RunLimits } from '../limits.ts'

/** The hard limits of this process, which its children cannot exceed; Infinity where there is none. */
export interface HardLimits {
  readonly openFiles: number
  readonly processes: number
  readonly fileBytes: number
}

const MOST_OPEN_FILES = 65_536

/** proc_pid_limits(5). */
export async function readHardLimits(): Promise<HardLimits> {
  const text = await readFile('/proc/self/limits', 'latin1')
  const hard = (name: string): number => {
    const value = new RegExp(`^${name} +\\S+ +(\\d+)`, 'm').exec(text)?.[1]
    return value === undefined ? Number.POSITIVE_INFINITY : Number(value)
  }
  return { openFiles: hard('Max open files'), processes: hard('Max processes'), fileBytes: hard('Max file size') }
}

/**
 * Arguments for prlimit(1). They hold for each process and stand behind what control group and probes do. `countProcesses`
 * where no control group does, and the run has a user of its own: the kernel counts all processes of a user, another
 * worker's too.
 */
export function resourceLimits(limits: RunLimits, hard: HardLimits, countProcesses: boolean): string[] {
  return [
    '--core=0',
    `--nofile=${Math.min(hard.openFiles, MOST_OPEN_FILES)}`,
    `--fsize=${Math.min(hard.fileBytes, limits.diskBytes)}`,
    ...(countProcesses ? [`--nproc=${Math.min(hard.processes, limits.processes * 2 + 16)}`] : []),
  ]
}
