import type { Host } from './host.ts'
import type { Output } from './output.ts'

/** The options that every command takes. */
export interface GlobalOptions {
  readonly url?: string
  readonly directory?: string
  readonly json?: boolean
}

/** One call of a command, as it was typed. */
export interface Call<O> {
  readonly args: readonly string[]
  readonly options: O & GlobalOptions
  /** The folder that the command works in: absolute, and it exists. Relative paths of flags are meant from here. */
  readonly directory: string
  readonly host: Host
  readonly output: Output
}

export interface OptionSpec {
  /** As commander has it: `--timeout <duration>`. */
  readonly flags: string
  readonly description: string
  /** Checks and converts a value; `before` is what an earlier use of the same flag gave, `now` in ms since 1970. */
  readonly parse?: (value: string, before: unknown, now: number) => unknown
}

/** A command as data: what the program, its help and the tests of other integrations' flags are made of. */
export interface CommandSpec<O = object> {
  /** With its group: `suites push`. */
  readonly name: string
  /** As commander has it: `<run...>`. */
  readonly arguments?: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** What the one line does not say. */
  readonly details?: string
  readonly options?: readonly OptionSpec[]
  /** Whole command lines. */
  readonly examples: readonly string[]
  /** What stands beside `error` in the one object of --json when the command failed before its answer. */
  readonly emptyAnswer?: object
  /** Resolves with the exit code of wire 8. */
  act(call: Call<O>): Promise<number>
}

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--url <url>', description: 'the Verdict server (default: VERDICT_URL, then what `verdict login` kept)' },
  { flags: '--directory <folder>', description: 'work as if started in this folder' },
  { flags: '--json', description: 'print one JSON object on standard output and all else on standard error' },
]
