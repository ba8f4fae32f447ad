import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { diskLimit, type Limit, type RunLimits } from './limits.ts'
import type { Probe } from './probes.ts'

/** Walking may use a tenth of the time: a folder of a million files is walked less often. */
const SHARE = 10
/** A tree that takes longer is one of many millions of files, and over any limit that was meant. */
const WALK_MS = 60_000

/**
 * What the folders of a run, on one file system, take of the disk. They are walked again when it is their turn, and at
 * once when the file system has lost so much since the last walk that the limit may be reached: so neither a slow walk
 * nor a fast writer leaves the limit unseen.
 */
export function diskProbe(folders: readonly string[], limits: RunLimits, path: string): Probe {
  let used = 0
  let freeThen = Number.POSITIVE_INFINITY
  let nextWalk = 0
  const walk = async (): Promise<Limit | null> => {
    const began = performance.now()
    freeThen = await freeBytes(folders[0]!)
    used = await diskUsage(folders, path)
    nextWalk = performance.now() + (performance.now() - began) * SHARE
    return used >= limits.diskBytes ? diskLimit(limits) : null
  }
  return {
    async running() {
      const lost = freeThen - (await freeBytes(folders[0]!))
      return performance.now() >= nextWalk || lost >= limits.diskBytes - used ? walk() : null
    },
    ended: async (succeeded) => (succeeded ? null : walk()),
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/**
 * Bytes, by `du`: off the event loop, follows no link, counts a hard link once; Infinity when it took too long. Files that
 * vanish in the meantime make it complain and not fail.
 */
function diskUsage(folders: readonly string[], path: string): Promise<number> {
  return new Promise((resolve) => {
    const options = { env: { PATH: path }, timeout: WALK_MS, maxBuffer: 16 * 1024 ** 2 }
    execFile('du', ['-skx', '--', ...folders], options, (error, output) => {
      if (error?.killed) return resolve(Number.POSITIVE_INFINITY)
      const sizes = output.split('\n').map((line) => Number.parseInt(line, 10) || 0)
      resolve(sizes.reduce((sum, size) => sum + size, 0) * 1024)
    })
  })
}
