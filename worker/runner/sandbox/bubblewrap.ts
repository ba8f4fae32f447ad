import { join } from 'node:path'
import type { Network } from '../../../contract/networks.ts'
import type { MachineFiles } from './machine-files.ts'
import { HOME, RUN_UID, WORK } from './machine-files.ts'

/** What one command sees. */
export interface SandboxView {
  readonly machine: MachineFiles
  readonly network: Network
  /** Where bubblewrap finds the run's folder, which holds {@link RUN_FOLDERS}. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** Bytes of /dev/shm, which is memory. */
  readonly sharedMemoryBytes: number
  /** The descriptors on which bubblewrap reports, and for which it waits. */
  readonly statusFd: number
  readonly blockFd: number
}

/**
 * bubblewrap's arguments, for its `--args` descriptor and not for its command line: the environment holds secrets, and
 * everybody on a machine reads command lines.
 */
export function bubblewrapArguments(view: SandboxView): string {
  const list = [
    ...['--unshare-all', '--unshare-user', '--disable-userns', '--cap-drop', 'ALL'],
    // Then it stays in the network that bubblewrap is started in.
    ...(view.network !== 'none' ? ['--share-net'] : []),
    ...['--new-session', '--die-with-parent', '--uid', String(RUN_UID), '--gid', String(RUN_UID)],
    ...['--hostname', 'verdict', '--clearenv'],
    ...Object.entries(view.environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ...view.machine.always,
    ...view.machine.byNetwork[view.network],
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--perms', '1777', '--size', String(view.sharedMemoryBytes), '--tmpfs', '/dev/shm'],
    ...Object.entries(RUN_FOLDERS).flatMap(([name, at]) => ['--bind', join(view.folder, name), at]),
    ...['--symlink', '/tmp', '/var/tmp'],
    // Both are memory that no disk limit counts.
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    ...['--chdir', WORK, '--json-status-fd', String(view.statusFd), '--block-fd', String(view.blockFd)],
  ]
  return list.map((argument) => `${argument}\0`).join('')
}

/** The folders of a run by their names on the host. */
export const RUN_FOLDERS = { work: WORK, home: HOME, tmp: '/tmp' } as const
