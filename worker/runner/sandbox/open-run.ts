import { chmod, chown } from 'node:fs/promises'
import { join } from 'node:path'
import { makeRunFolder, removeFolder } from '../folder.ts'
import { clampLimits, type RunLimits } from '../limits.ts'
import { type RunFolder, type RunFolderOptions, RunnerError } from '../runner.ts'
import type { AvailableNetwork } from './available-network.ts'
import { RUN_FOLDERS } from './bubblewrap.ts'
import { type CgroupParents, makeCgroup } from './cgroups.ts'
import { SandboxFolder, type SandboxMachine } from './sandbox-folder.ts'

export interface Surroundings {
  readonly baseFolder: string
  readonly uidBase: number
  readonly maximum: RunLimits
  readonly machine: SandboxMachine
  readonly isRoot: boolean
  readonly cgroups: CgroupParents | undefined
  readonly network: AvailableNetwork
}

/** Folders, control group and network of one run. Rejects with a RunnerError, and then has left nothing behind. */
export async function openRun(asked: RunFolderOptions, around: Surroundings): Promise<RunFolder> {
  const uid = around.isRoot ? around.uidBase + asked.slot : undefined
  const limits = clampLimits(asked.limits, around.maximum)
  const undo: (() => Promise<void>)[] = []
  try {
    const folder = await makeRunFolder(around.baseFolder, Object.keys(RUN_FOLDERS))
    undo.push(() => removeFolder(folder, around.machine.toolPath))
    await chmod(join(folder, 'tmp'), 0o1777)
    for (const name of uid === undefined ? [] : Object.keys(RUN_FOLDERS)) await chown(join(folder, name), uid!, uid!)
    const cgroup = around.cgroups && makeCgroup(around.cgroups, limits)
    if (cgroup) undo.push(() => cgroup.remove())
    const runNetwork = await around.network.open(asked.network, uid)
    return new SandboxFolder(around.machine, { folder, limits, network: asked.network, uid, cgroup, runNetwork })
  } catch (cause) {
    for (const step of undo.reverse()) await step().catch(() => undefined)
    throw new RunnerError(`a sandbox could not be made: ${(cause as Error).message}`, { cause })
  }
}
