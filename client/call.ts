import type { TokenAnswer } from '../contract/tokens.ts'
import type { Transport, TransportRequest, TransportResponse } from '../transport/transport.ts'
import { serverAddress } from './address.ts'
import { ApiError, apiErrorOf } from './api-error.ts'
import type { Clock, Random } from './clock.ts'
import { type CallRequest, isRepeatable, SILENCE_MS, transportRequest } from './request.ts'
import { parseRetryAfter, type RetryNotice, repeating } from './retry.ts'
import { checkedKey, exchangeForm, KEY_EXPIRY_NOTICE_MS, tokenSource } from './token.ts'

/** What a person may want to know while calls go on. */
export type Notice =
  | ({ readonly kind: 'retry' } & RetryNotice)
  | { readonly kind: 'key_expires'; readonly at: string; readonly message: string }

export interface CallerOptions {
  /** The server's address; https, or http to loopback, or any http with `allowHttp`. */
  readonly url: string
  readonly apiKey: string
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  /** Product and version, as `verdict-cli/0.1.0`. */
  readonly userAgent: string
  readonly allowHttp?: boolean
  /** How long a call rides out an outage of a server that has answered before; default 2 min. A call may say otherwise. */
  readonly patienceMs?: number
  readonly onNotice?: (notice: Notice) => void
  /** Told of every access token before it is used, so that it can be masked. */
  readonly onToken?: (token: string) => void
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** How long to ride out an outage, milliseconds. */
  readonly patienceMs?: number
  /** Told of each failed try that is followed by another. */
  readonly onFailure?: (error: Error) => void
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/**
 * Speaks to one server with one key: token, retries, errors. What the calls of every noun are made of. All of its calls
 * reject with an ApiError, an UnreachableError, a TransportError (`tls`), or the signal's reason.
 */
export interface Caller {
  readonly url: string
  readonly clock: Clock
  readonly random: Random
  /** The server's version as its last answer named it. */
  serverVersion(): string | undefined
  /** The whole answer; 2xx or 304. */
  call(request: CallRequest, options?: CallOptions): Promise<Answer>
  /** An answer's body as JSON. Throws an ApiError `not_verdict` when it is none: something else answered. */
  parse<T>(answer: Answer): T
  /** The answer's body as JSON. */
  json<T>(request: CallRequest, options?: CallOptions): Promise<T>
  /** The answer with its body still to come: reading that is not repeated, and fails with a TransportError. */
  open(request: CallRequest, options?: CallOptions): Promise<TransportResponse>
}

const PATIENCE_MS = 120_000
/** An outage is told of at once, and then no more often than this: an hour of it must not fill a log. */
const RETRY_NOTICE_MS = 30_000

/** Throws an AddressError or a KeyError for what is wrong before any request. */
export function createCaller(options: CallerOptions): Caller {
  const { transport, clock, random, userAgent } = options
  const server = serverAddress(options.url, options.allowHttp)
  const apiKey = checkedKey(options.apiKey)
  let answered = false
  let version: string | undefined
  let noticedAt = Number.NEGATIVE_INFINITY

  const tell = (notice: RetryNotice) => {
    if (clock.monotonic() - noticedAt < RETRY_NOTICE_MS) return
    noticedAt = clock.monotonic()
    options.onNotice?.({ kind: 'retry', ...notice })
  }

  async function once(request: TransportRequest, during: 'exchange' | 'call'): Promise<TransportResponse> {
    const response = await transport.request(request)
    const { status, headers } = response
    version = headers['verdict-version'] ?? version
    // A gateway that says "bad gateway" for a server that is not there is no answer of the server.
    if (headers['verdict-version'] !== undefined || status < 502) answered = true
    if ((status >= 200 && status < 300) || status === 304) return response
    const retryAfterMs = parseRetryAfter(headers['retry-after'], clock.now())
    throw apiErrorOf({ status, headers, text: await response.text(), server, during, retryAfterMs })
  }

  const tokens = tokenSource({
    async exchange() {
      const response = await once(exchangeRequest(server, userAgent, apiKey), 'exchange')
      const { status, headers } = response
      return parsed<TokenAnswer>({ status, headers, text: await response.text() }, 'exchange')
    },
    monotonic: () => clock.monotonic(),
    onToken: (answer) => options.onToken?.(answer.access_token),
    onFirst(answer) {
      const at = answer.key_expires_at
      if (at === null || Date.parse(at) - clock.now() > KEY_EXPIRY_NOTICE_MS) return
      const message = `The API key expires on ${at.slice(0, 10)}: make a new one in time`
      options.onNotice?.({ kind: 'key_expires', at, message })
    },
  })

  async function send<T>(
    request: CallRequest,
    { signal, patienceMs, onFailure }: CallOptions,
    read: (response: TransportResponse) => Promise<T>,
  ): Promise<T> {
    let sent = false
    let renewed = false
    const attempt = async (leftMs: number): Promise<T> => {
      const token = await unlessAborted(tokens.current(), signal)
      sent = true
      try {
        const ready = transportRequest(request, { server, userAgent, token, leftMs, signal })
        return await read(await once(ready, 'call'))
      } catch (error) {
        if (renewed || !(error instanceof ApiError) || error.code !== 'invalid_token') throw error
        renewed = true
        tokens.refuse(token.value)
        return attempt(leftMs)
      }
    }
    return repeating(attempt, {
      clock,
      random,
      limitMs: patienceMs ?? options.patienceMs ?? PATIENCE_MS,
      answered: () => answered,
      server,
      signal,
      onRetry(notice, error) {
        onFailure?.(error)
        tell(notice)
      },
      repeatable: () => !sent || isRepeatable(request),
    })
  }

  function parsed<T>({ status, headers, text }: Answer, during: 'exchange' | 'call'): T {
    try {
      return JSON.parse(text) as T
    } catch {
      throw apiErrorOf({ status, headers, text: '', server, during })
    }
  }

  const call: Caller['call'] = (request, callOptions = {}) =>
    // Reading is part of the try: an answer that breaks off is no answer.
    send(request, callOptions, async ({ status, headers, text }) => ({ status, headers, text: await text() }))

  return {
    url: server,
    clock,
    random,
    serverVersion: () => version,
    call,
    parse: (answer) => parsed(answer, 'call'),
    json: async <T>(request: CallRequest, callOptions?: CallOptions) =>
      parsed<T>(await call(request, callOptions), 'call'),
    open: (request, callOptions = {}) => send(request, callOptions, async (response) => response),
  }
}

function exchangeRequest(server: string, userAgent: string, apiKey: string): TransportRequest {
  return {
    method: 'POST',
    url: `${server}/oauth/token`,
    headers: {
      'user-agent': userAgent,
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: exchangeForm(apiKey),
    timeoutMs: SILENCE_MS,
  }
}

/** The promise, or the signal's reason if that comes first: what others wait for as well is not ended by one of them. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
