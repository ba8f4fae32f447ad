import type { Clock } from '../clock.ts'
import type { Store } from '../store/ports/store.ts'

export interface Readiness {
  readonly ready: boolean
  /** Why it is not ready, or what does not work although it is; for an operator. */
  readonly reasons: readonly string[]
}

const PING_MS = 2000

/** Whether requests can be answered: the store can. A missing runner is named, but is no reason to take the node away. */
export function readiness(options: {
  store: Store
  clock: Clock /** What the runner says of itself. */
  notes: () => readonly string[]
}) {
  return async (): Promise<Readiness> => {
    const problem = await Promise.race([
      options.store.ping().then(
        () => undefined,
        (error: Error) => error.message,
      ),
      late(options.clock),
    ])
    return problem === undefined
      ? { ready: true, reasons: options.notes() }
      : { ready: false, reasons: [`store: ${problem}`, ...options.notes()] }
  }
}

function late(clock: Clock): Promise<string> {
  return new Promise((resolve) => clock.after(PING_MS, () => resolve(`no answer within ${PING_MS} ms`)))
}
