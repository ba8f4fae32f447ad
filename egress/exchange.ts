import type { Dispatcher } from 'undici'
import { EgressError } from './egress.ts'

export interface ExchangeLimits {
  /** From the call to the last byte. */
  readonly timeoutMs: number
  readonly answerBytes: number
  readonly after: (ms: number, callback: () => void) => () => void
}

export interface Exchanged {
  readonly status: number
  /** Lower-case names; of a repeated header the first. */
  readonly headers: Readonly<Record<string, string>>
  /** As many bytes as the limit allows; the connection is cut after these. */
  readonly body: Uint8Array
}

/**
 * One request and its answer, held in memory: undici's own `request` makes a stream of each, which a few bytes are not worth.
 * Rejects with the {@link EgressError} `timeout`, or with whatever broke it off.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  limits: ExchangeLimits,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    dispatcher.dispatch({ ...request, headersTimeout: 0, bodyTimeout: 0 }, new Exchange(limits, resolve, reject))
  })
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #limits: ExchangeLimits
  readonly #resolve: (answer: Exchanged) => void
  readonly #reject: (error: Error) => void
  readonly #cancel: () => void
  #controller: Dispatcher.DispatchController | undefined
  #late: EgressError | undefined
  #status = 0
  #headers: Record<string, string> = {}
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(limits: ExchangeLimits, resolve: (answer: Exchanged) => void, reject: (error: Error) => void) {
    this.#limits = limits
    this.#resolve = resolve
    this.#reject = reject
    this.#cancel = limits.after(limits.timeoutMs, () => this.#end())
  }

  /** Also when the time was up before there was a connection: then the request is not sent any more. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#late) controller.abort(this.#late)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status
    // Those of a 1xx are forgotten with the next ones.
    this.#headers = {}
    for (const name in headers) {
      const value = headers[name]
      this.#headers[name] = (Array.isArray(value) ? value[0] : value) ?? ''
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < this.#limits.answerBytes) return
    this.onResponseEnd()
    controller.abort(new Error('enough was read'))
  }

  onResponseEnd(): void {
    this.#cancel()
    const body = Buffer.concat(this.#chunks).subarray(0, this.#limits.answerBytes)
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#cancel()
    this.#reject(error)
  }

  #end(): void {
    this.#late = new EgressError('timeout', `No whole answer within ${this.#limits.timeoutMs / 1000} s.`)
    this.#reject(this.#late)
    this.#controller?.abort(this.#late)
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>
