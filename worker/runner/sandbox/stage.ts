import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { needTool } from './tools.ts'

/**
 * How the run's own user reaches folders that lie beneath closed ones (a data folder of 0700, a checkout in /root):
 * bubblewrap is started as that user and must find its sources by path. As root, a mount namespace is made once in
 * which they are also found beneath a folder that is open.
 */
export interface Stage {
  /** What stands before a command that is to see it so. */
  readonly enter: readonly string[]
  /** Where a source is to be found there. */
  readonly at: (name: string) => string
}

/** One of these is hidden by the stage, in its own namespace only: one that holds nothing which is needed. */
const MOUNT_POINTS = ['/mnt', '/media', '/srv', '/opt']
const SCRIPT = `set -e
mount -t tmpfs -o mode=0711,size=1m,nosuid,nodev verdict "$0"
while [ $# -gt 0 ]; do
  if [ -d "$2" ]; then mkdir "$0/$1"; else : > "$0/$1"; fi
  mount --bind "$2" "$0/$1"
  shift 2
done
echo ready
read -r end`

/** Without a stage: everything is where it is, and must be open to the run's user. */
export function noStage(sources: Readonly<Record<string, string>>): Stage {
  return { enter: [], at: (name) => sources[name]! }
}

/** Makes the stage for `sources` (name to absolute path). Rejects with an Error that says which step failed. */
export async function openStage(
  sources: Readonly<Record<string, string>>,
  shown: readonly string[],
  toolPath: string,
): Promise<Stage> {
  const needed = [...shown, ...Object.values(sources)]
  const isApart = (path: string): boolean => !needed.some((other) => `${other}/`.startsWith(`${path}/`))
  const mountPoint = MOUNT_POINTS.find(
    (path) => isApart(path) && statSync(path, { throwIfNoEntry: false })?.isDirectory(),
  )
  if (!mountPoint) throw new Error(`none of ${MOUNT_POINTS.join(', ')} can be used for a mount`)
  const shell = ['/bin/sh', '-c', SCRIPT, mountPoint, ...Object.entries(sources).flat()]
  const child = spawn(needTool('unshare', toolPath), ['--mount', ...shell], { env: { PATH: toolPath }, stdio: 'pipe' })
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  child.stdin.on('error', () => undefined)
  try {
    const closed = once(child, 'close').then(() => Promise.reject(new Error(`unshare --mount: ${complaint.trim()}`)))
    closed.catch(() => undefined)
    await Promise.race([once(child.stdout, 'data'), closed])
    // The descriptor keeps the namespace alive, as long as this process lives and no longer.
    const namespace = openSync(`/proc/${child.pid}/ns/mnt`, 'r')
    const file = `/proc/${process.pid}/fd/${namespace}`
    return {
      enter: [needTool('nsenter', toolPath), `--mount=${file}`, '--'],
      at: (name: string) => join(mountPoint, name),
    }
  } finally {
    child.stdin.end()
  }
}
