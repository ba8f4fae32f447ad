import type { Network } from '../../contract/networks.ts'

/** What the machine's own loopback is called in the network of a run, where the operator lets runs reach it. */
export const OWN_HOST = 'host.verdict.internal'

/**
 * Runs the commands of one run in a folder of its own, within limits. Adapters: `sandbox/` (bubblewrap) and `process/`
 * (nothing but a process group). Both pass `test/contract/runner.contract.ts`.
 */
export interface Runner {
  readonly name: 'sandbox' | 'process'
  /** What this runner isolates and limits on this machine, in words, one fact each: for the start of the server and `/readyz`. */
  readonly facts: readonly string[]
  /** The widest network it can give (`internet` needs slirp4netns), and what to do where that is less than was configured. */
  readonly network: { readonly widest: Network; readonly hint: string | null }
  /** A new empty folder for a run. Rejects with a {@link RunnerError}. */
  open(options: RunFolderOptions): Promise<RunFolder>
}

export interface RunFolderOptions {
  /** Which of the worker's slots, from 0: runs side by side never share a user id. */
  readonly slot: number
  readonly network: Network
  readonly limits: { readonly memoryBytes: number; readonly processes: number; readonly diskBytes: number }
}

export interface RunFolder {
  /** On the worker's side; where the tree is unpacked and from where report and artifacts are read. */
  readonly path: string
  /** The same folder as its commands see it: absolute paths in a report begin with it. */
  readonly seenAs: string
  /** Gives what was put into the folder to the run's own user. */
  handOver(): Promise<void>
  /** Runs one command by `/bin/sh -c` in the folder, to its end. What it leaves behind in processes is ended too. */
  execute(command: Command): Promise<Exit>
  /** Removes the folder and everything of the run. */
  close(): Promise<void>
}

export interface Command {
  readonly shell: string
  /** The whole environment but PATH, HOME and TMPDIR, which are the runner's. */
  readonly environment: Readonly<Record<string, string>>
  /** Standard output and standard error as they come, bounded by the caller. Never called after `execute` has settled. */
  readonly onOutput: (chunk: Uint8Array) => void
  /** Stops the command: SIGTERM to all of it, and SIGKILL after `graceMs`. */
  readonly signal: AbortSignal
  readonly graceMs: number
}

export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: string | null
  /** The limit that the command ran into, and the message for people; null when it ran into none. */
  readonly limit: { readonly code: 'memory_limit' | 'process_limit' | 'disk_limit'; readonly message: string } | null
}

/** The runner itself failed: the fault is the service's. */
export class RunnerError extends Error {
  override readonly name = 'RunnerError'
  readonly code = 'sandbox_failed'
}
