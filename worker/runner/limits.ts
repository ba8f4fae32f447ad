import type { Exit, RunFolderOptions } from './runner.ts'

export type RunLimits = RunFolderOptions['limits']
export type Limit = NonNullable<Exit['limit']>

/** The smaller of each: what was asked for, and the most that the operator allows. */
export function clampLimits(asked: RunLimits, most: RunLimits): RunLimits {
  return {
    memoryBytes: Math.min(asked.memoryBytes, most.memoryBytes),
    processes: Math.min(asked.processes, most.processes),
    diskBytes: Math.min(asked.diskBytes, most.diskBytes),
  }
}

export function memoryLimit(limits: RunLimits): Limit {
  return limit('memory_limit', `memory limit of ${formatBytes(limits.memoryBytes)} reached`, 'memory')
}

export function processLimit(limits: RunLimits): Limit {
  return limit('process_limit', `limit of ${limits.processes} processes and threads reached`, 'processes')
}

export function diskLimit(limits: RunLimits): Limit {
  return limit(
    'disk_limit',
    `disk limit of ${formatBytes(limits.diskBytes)} reached (work folder, home and /tmp)`,
    'disk',
  )
}

function limit(code: Limit['code'], what: string, key: string): Limit {
  return { code, message: `${what}: use less, or raise limits.${key} of the suite as far as the operator allows` }
}

/** For people: the largest binary unit with at most one decimal, `2 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`
}
