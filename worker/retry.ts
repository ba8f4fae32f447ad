import { type Clock, pause } from './clock.ts'
import type { Log } from './log.ts'

export interface Patience {
  readonly clock: Clock
  /** From 0 to 1, so that a hundred workers do not come back in the same moment. */
  readonly random: () => number
  readonly log: Log
}

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5_000

/** How long to wait after the nth failure in a row (from 0), ms: exponential, with jitter over its upper half. */
export function backoffMs(failures: number, random: () => number): number {
  const most = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 16))
  return most / 2 + (most / 2) * random()
}

/** Nobody waits for the answer any more: the run was stopped, or the worker is. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp'
}

/**
 * What the server answers, asked again for as long as it cannot be reached (a verb of `Work` rejects for no other reason).
 * @param what the verb, for the log: an outage is told once, at its first failure.
 * @throws GivenUp once the signal is aborted, also while a call hangs.
 */
export async function untilAnswered<T>(
  what: string,
  call: () => Promise<T>,
  { clock, random, log }: Patience,
  signal: AbortSignal,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    if (signal.aborted) throw new GivenUp(`${what} was given up`)
    try {
      return await unlessAborted(call(), signal)
    } catch (error) {
      if (error instanceof GivenUp) throw error
      if (failures === 0)
        log.warn({ err: error }, `the server cannot be reached (${what}); trying again until it answers`)
      await pause(clock, backoffMs(failures, random), signal)
    }
  }
}

/** The answer, or a GivenUp as soon as the signal is aborted: the call itself may hang for ever. */
export function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new GivenUp('nobody waits for the answer any more'))
    const done = () => signal.removeEventListener('abort', giveUp)
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    answer.then(resolve, reject).finally(done)
  })
}
