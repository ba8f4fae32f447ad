import type { Readable, Writable } from 'node:stream'
import type { Clock, Random } from '../client/index.ts'
import type { Git } from '../gate/git.ts'
import type { Transport } from '../transport/transport.ts'
import type { Environment } from './config.ts'

export type Signal = 'SIGINT' | 'SIGTERM'

/** Standard input, which may be a terminal. */
export type Input = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }

/** A stream of text that may be a terminal. */
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** All that the program takes from the machine it runs on; `main.ts` makes the real one. */
export interface Host {
  readonly env: Environment
  readonly cwd: string
  /** The user's own folder. */
  readonly home: string
  readonly stdin: Input
  readonly stdout: Screen
  readonly stderr: Screen
  readonly clock: Clock
  readonly random: Random
  readonly git: Git
  transport(): Transport
  /** Listens to SIGINT and SIGTERM until the returned function is called. */
  onSignal(listener: (signal: Signal) => void): () => void
  /** Ends the process at once: for the second signal. */
  exit(code: number): void
}
