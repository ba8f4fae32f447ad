/**
 * The one way a client of ours speaks HTTP. Adapters: `node/` (node:http, for the CLI and workers) and `actions/`
 * (@actions/http-client, for the Action). Both pass `test/contract/transport.contract.ts`.
 *
 * An adapter keeps connections alive (through proxies too), follows no redirect, and trusts the certificates that Node
 * trusts (NODE_EXTRA_CA_CERTS). It retries nothing, with one exception: a GET, HEAD, PUT or DELETE whose kept-alive
 * connection turns out to be closed goes out once more on another one (RFC 9112 section 9.3.1).
 */
export interface Transport {
  /**
   * Sends one request and resolves when the answer's headers are here; any status resolves.
   * Rejects with a {@link TransportError} and nothing else.
   */
  request(request: TransportRequest): Promise<TransportResponse>
  /** Ends idle connections, so that a process may exit. */
  close(): void
}

export interface TransportRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute http(s) address. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent with its Content-Length. */
  readonly body?: string | Uint8Array
  /** Ends the request, or the reading of its answer, within 100 ms of the abort. */
  readonly signal?: AbortSignal
  /**
   * The longest silence in milliseconds: until the headers are here (a body on its way out is no silence), and then
   * while the reader waits for the next chunk of the body.
   */
  readonly timeoutMs: number
}

export interface TransportResponse {
  readonly status: number
  /** Names in lower case; repeated ones joined by ", ". */
  readonly headers: Readonly<Record<string, string>>
  /** The body as it arrives. Read it once, or leave the loop early to drop the connection. */
  readonly body: AsyncIterable<Uint8Array>
  /** The whole body as UTF-8. */
  text(): Promise<string>
}

export type TransportFailure = 'aborted' | 'timeout' | 'unreachable' | 'reset' | 'tls' | 'proxy'

/** Why no (whole) answer came. `message` is for a person and names host and port, never a header. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly failure: TransportFailure

  constructor(failure: TransportFailure, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.failure = failure
  }
}
