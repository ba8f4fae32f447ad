import type { Clock } from '../clock.ts'

/** What a held request waits for. Rings once however often it is struck, and is not missed when it rings before anybody listens. */
export class Bell {
  readonly #clock: Clock
  readonly #ends: (() => void)[] = []
  #struck = false
  #listener: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly ring = (): void => {
    this.#struck = true
    this.#listener?.()
  }

  /** Rings whenever the listener is called that `subscribe` is given; it answers what ends that. */
  on(subscribe: (listener: () => void) => () => void): this {
    this.#ends.push(subscribe(this.ring))
    return this
  }

  onAbort(...signals: readonly AbortSignal[]): this {
    for (const signal of signals) {
      if (signal.aborted) this.ring()
      signal.addEventListener('abort', this.ring)
      this.#ends.push(() => signal.removeEventListener('abort', this.ring))
    }
    return this
  }

  /** Resolves when it was struck since the last call, or after `ms`. */
  async rung(ms: number): Promise<void> {
    if (!this.#struck) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(Math.max(0, ms), resolve)
        this.#listener = () => {
          cancel()
          resolve()
        }
      })
      this.#listener = undefined
    }
    this.#struck = false
  }

  /** Nothing rings it any more. */
  takeDown(): void {
    for (const end of this.#ends.splice(0)) end()
  }
}
