import { parseCidr } from '../egress/addresses.ts'
import type { Values } from '../settings/read.ts'
import type { RUNNER_SETTINGS } from '../settings/runner.ts'
import { type Detected, detectRunner } from './runner/detect.ts'

/**
 * The runner that the settings ask for and this machine can give. `folder`: where runs have theirs; `toolPath`: where
 * programs are looked for.
 */
export function configuredRunner(
  settings: Readonly<Values<typeof RUNNER_SETTINGS>> & { readonly allowedPrivateCidrs: readonly string[] },
  { folder, toolPath }: { folder: string; toolPath: string },
): Promise<Detected> {
  return detectRunner({
    choice: settings.runner,
    allowUnsandboxed: settings.allowUnsandboxed,
    baseFolder: folder,
    uidBase: settings.sandboxUidBase,
    paths: settings.sandboxPaths,
    network: settings.sandboxNetwork,
    allowed: settings.allowedPrivateCidrs.map(parseCidr),
    maximum: {
      memoryBytes: settings.sandboxMaxMemory,
      processes: settings.sandboxMaxProcesses,
      diskBytes: settings.sandboxMaxDisk,
    },
    nodePath: process.execPath,
    toolPath,
  })
}
