import { WAIT_SECONDS_MIN } from '../contract/events.ts'
import type { TransportRequest } from '../transport/transport.ts'
import { ApiError } from './api-error.ts'
import type { Token } from './token.ts'

/** One call below `/v1`, before it has a token. */
export interface CallRequest {
  readonly method: TransportRequest['method']
  /** Below the server's address, encoded: see {@link path}. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly json?: unknown
  readonly bytes?: { readonly type: string; readonly content: Uint8Array }
  readonly headers?: Readonly<Record<string, string>>
  /** Makes a POST that makes something safe to repeat. Without one only what is idempotent by its method is repeated. */
  readonly idempotencyKey?: string
  /** Repeated although it is a POST without a key: the second has no other effect than the first. */
  readonly repeatable?: boolean
  /** `Prefer: wait=`, seconds; cut so that the answer comes while the token lives. */
  readonly waitSeconds?: number
  /** The longest silence of the server, milliseconds; default 30 s. */
  readonly silenceMs?: number
}

export const SILENCE_MS = 30_000
/** What a waiting request may take beyond its wait. */
const WAIT_GRACE_MS = 15_000
/** The token's last moments, in which no answer is awaited. */
const TOKEN_MARGIN_MS = 2_000

export function isRepeatable(request: CallRequest): boolean {
  return request.method !== 'POST' || request.idempotencyKey !== undefined || request.repeatable === true
}

/** The request as the transport takes it. `leftMs` is what is left of the caller's patience. */
export function transportRequest(
  request: CallRequest,
  context: { server: string; userAgent: string; token: Token; leftMs: number; signal: AbortSignal | undefined },
): TransportRequest {
  const { json, bytes } = request
  const wait = request.waitSeconds === undefined ? undefined : waitFor(request.waitSeconds, context)
  const silenceMs = Math.min(request.silenceMs ?? SILENCE_MS, context.leftMs)
  return {
    method: request.method,
    url: context.server + request.path + queryOf(request.query ?? {}),
    headers: {
      accept: 'application/json',
      ...request.headers,
      ...(wait === undefined ? {} : { prefer: `wait=${wait}` }),
      ...(request.idempotencyKey === undefined ? {} : { 'idempotency-key': request.idempotencyKey }),
      ...(bytes !== undefined ? { 'content-type': bytes.type } : {}),
      ...(json !== undefined ? { 'content-type': 'application/json' } : {}),
      'user-agent': context.userAgent,
      authorization: `Bearer ${context.token.value}`,
    },
    body: bytes?.content ?? (json === undefined ? undefined : JSON.stringify(json)),
    signal: context.signal,
    // A wait is ended by its own limit: were it cut here as well, the end of patience would look like an outage.
    timeoutMs: wait === undefined ? Math.ceil(silenceMs) : wait * 1000 + WAIT_GRACE_MS,
  }
}

function waitFor(seconds: number, { token, leftMs }: { token: Token; leftMs: number }): number {
  const longestMs = Math.min(token.leftMs - TOKEN_MARGIN_MS, leftMs)
  return Math.max(WAIT_SECONDS_MIN, Math.min(seconds, Math.floor(longestMs / 1000)))
}

function queryOf(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

/**
 * An address below the server's: each part becomes one segment, so `/` in a name is `%2F` (wire 2). Throws what the
 * server would answer for a name that no address can hold: `..` would be taken for the segment before it.
 */
export function path(literals: TemplateStringsArray, ...segments: string[]): string {
  for (const segment of segments) {
    if (segment !== '' && segment !== '.' && segment !== '..') continue
    throw new ApiError(`There is nothing of the name "${segment}"`, { code: 'not_found', status: 404, during: 'call' })
  }
  return String.raw({ raw: literals }, ...segments.map((segment) => encodeURIComponent(segment)))
}
