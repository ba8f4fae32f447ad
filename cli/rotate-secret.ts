import { InvalidArgumentError } from 'commander'
import type { NewSecret } from '../contract/callbacks.ts'
import type { Call, OptionSpec } from './command.ts'
import { duration } from './flags.ts'
import { shortTime } from './table.ts'

export interface RotateOptions {
  /** Seconds. */
  readonly overlap?: number
}

const OVERLAP_MAX_SECONDS = 7 * 86_400

/** How long the old secret goes on beside the new one. */
export const overlapOption: OptionSpec = {
  flags: '--overlap <duration>',
  description: 'how long the old secret is good beside the new one, such as 12h; 0 after a leak (default: 24h)',
  parse(value) {
    const seconds = value === '0' ? 0 : duration(value)
    if (seconds > OVERLAP_MAX_SECONDS) throw new InvalidArgumentError('It takes 7 days (168h) at most.')
    return seconds
  },
}

export function overlapOf({ overlap }: RotateOptions) {
  return overlap === undefined ? {} : { overlapSeconds: overlap }
}

/** Prints the secret alone on standard output, so that it can be piped, and what else is to be known beside it. */
export function showNewSecret({ output, host }: Call<object>, { secret, oldSecretUntil }: NewSecret): void {
  output.result({ secret, oldSecretUntil }, secret)
  const old =
    oldSecretUntil === null
      ? 'No old secret is good any more.'
      : `The old one is good until ${shortTime(oldSecretUntil)} UTC.`
  host.stderr.write(`This is the only time the secret is shown. ${old}\n`)
}
