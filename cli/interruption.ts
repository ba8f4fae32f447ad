import type { Host, Signal } from './host.ts'

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const satisfies Record<Signal, number>

/** Somebody ended the command: Ctrl-C at a prompt, or a signal. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  readonly exitCode: number

  constructor(signal: Signal) {
    super(`interrupted by ${signal}`)
    this.exitCode = EXIT_CODES[signal]
  }
}

/** Signals as an abort, while a command has something to put in order before it ends. */
export interface Interruption {
  /** Aborted, with an {@link InterruptedError}, by the first SIGINT or SIGTERM. The second one ends the process at once. */
  readonly signal: AbortSignal
  /** Signals do again what they always do. */
  stop(): void
}

export function listenForSignals(
  host: Pick<Host, 'onSignal' | 'exit'>,
  onFirst: (signal: Signal) => void,
): Interruption {
  const controller = new AbortController()
  const stop = host.onSignal((signal) => {
    const error = new InterruptedError(signal)
    if (controller.signal.aborted) return host.exit(error.exitCode)
    onFirst(signal)
    controller.abort(error)
  })
  return { signal: controller.signal, stop }
}
