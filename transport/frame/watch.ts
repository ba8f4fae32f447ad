import type { TransportRequest } from '../transport.ts'
import { failed, failedBy } from './failure.ts'

/** Watches one exchange: its signal is aborted, with a TransportError as reason, by the caller's abort or by silence. */
export class Watch {
  readonly place: string
  /** Set by `send` once it knows that the request went out on a connection which had served others before. */
  reused = false
  readonly #controller = new AbortController()
  readonly #request: TransportRequest
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(request: TransportRequest, place: string) {
    this.place = place
    this.#request = request
    request.signal?.addEventListener('abort', this.#abort)
    if (request.signal?.aborted) this.#abort()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Silence counts from now, until `rest`. */
  wait(): void {
    this.rest()
    const { timeoutMs } = this.#request
    this.#timer = setTimeout(() => this.#controller.abort(failed('timeout', this.place, `${timeoutMs} ms`)), timeoutMs)
  }

  rest(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  end(): void {
    this.rest()
    this.#request.signal?.removeEventListener('abort', this.#abort)
  }

  /** Settles as `work` does, or rejects at once when the signal is aborted, also where `work` does not notice. */
  during<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = () => reject(this.signal.reason)
      if (this.signal.aborted) return stop()
      this.signal.addEventListener('abort', stop, { once: true })
      work().then(resolve, reject)
    })
  }

  /** The request's body in slices, each of which is a sign of life while the headers are waited for. */
  *slices(): Generator<Uint8Array> {
    const { body = '' } = this.#request
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    for (let at = 0; at < bytes.length; at += 65_536) {
      if (this.#timer !== undefined) this.wait()
      yield bytes.subarray(at, at + 65_536)
    }
  }

  /** The answer's body: silence and breaks throw a TransportError, and a reader who takes its time is no silence. */
  async *over(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    try {
      this.wait()
      for await (const chunk of body) {
        this.rest()
        this.signal.throwIfAborted()
        yield chunk
        this.wait()
      }
      this.signal.throwIfAborted()
    } catch (cause) {
      throw this.signal.aborted ? this.signal.reason : failedBy(cause, this.place)
    } finally {
      this.end()
    }
  }

  readonly #abort = () => this.#controller.abort(failed('aborted', this.place, '', this.#request.signal?.reason))
}
