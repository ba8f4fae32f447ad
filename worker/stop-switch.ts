/** Why a run is ended before its commands ended by themselves. */
export type Stop =
  /** The run is another's now: nothing more may be said of it. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'cancelled'; readonly code: 'cancelled_by_user' | 'abandoned' }
  | { readonly kind: 'timeout' }
  /** No heartbeat was answered for so long that another worker may have the run. */
  | { readonly kind: 'cut_off' }
  /** The worker itself stops. */
  | { readonly kind: 'handed_back' }

/** One run's emergency stop: the first request aborts the signal; a graver one may still take its place. */
export class StopSwitch {
  readonly #controller = new AbortController()
  readonly #lost = new AbortController()
  #stop: Stop | undefined
  #settled = false

  /** Aborted by the first request. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Aborted when nothing more may be said of the run. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  get stop(): Stop | undefined {
    return this.#stop
  }

  request(stop: Stop): void {
    const graver = stop.kind === 'lost' || (stop.kind === 'cancelled' && this.#stop?.kind !== 'lost')
    if (this.#settled ? stop.kind !== 'lost' : this.#stop !== undefined && !graver) return
    this.#stop = stop
    this.#controller.abort()
    if (stop.kind === 'lost') this.#lost.abort()
  }

  /** The verdict is known: from here on only the loss of the run counts. */
  settle(): void {
    this.#settled = true
  }

  /** @throws Stopped when a stop was requested. */
  check(): void {
    if (this.#stop) throw new Stopped(`the run was stopped: ${this.#stop.kind}`)
  }
}

export class Stopped extends Error {
  override readonly name = 'Stopped'
}
