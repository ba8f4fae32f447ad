import { TransportError, type TransportFailure } from '../transport/transport.ts'
import { ApiError, UnreachableError } from './api-error.ts'
import { type Clock, pause, type Random } from './clock.ts'

/** Answers that are worth another try (wire 8). */
const PASSING_STATUS: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** Failures that are. A certificate that is not trusted does not get better, and an abort is meant. */
const PASSING_FAILURE: ReadonlySet<TransportFailure> = new Set(['unreachable', 'reset', 'timeout', 'proxy'])

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000
/** No server may make a client sleep longer at a time. */
export const LONGEST_RETRY_AFTER_MS = 120_000
/** A server that never answered is given up after this (wire 8). */
export const NEVER_ANSWERED_MS = 60_000

export interface RetryNotice {
  readonly message: string
  readonly pauseMs: number
}

export interface Patience {
  readonly clock: Clock
  readonly random: Random
  /** How long to go on, from now. */
  readonly limitMs: number
  /** Whether the server has ever answered. */
  readonly answered: () => boolean
  readonly server: string
  readonly signal?: AbortSignal
  readonly onRetry?: (notice: RetryNotice, error: Error) => void
  /** Whether the failed try may be made again; asked after each failure that would pass. */
  readonly repeatable: () => boolean
}

/**
 * Calls `once` until it succeeds, fails for good, or patience ends. `once` is given the milliseconds that are left.
 * Rejects with what `once` failed with, with an {@link UnreachableError} where there was no answer, or with the signal's reason.
 */
export async function repeating<T>(once: (leftMs: number) => Promise<T>, patience: Patience): Promise<T> {
  const { clock, random, signal } = patience
  const startedAt = clock.monotonic()
  const spent = () => clock.monotonic() - startedAt
  // Asked anew each time: with the first answer the shorter limit falls away.
  const left = () => (patience.answered() ? patience.limitMs : Math.min(patience.limitMs, NEVER_ANSWERED_MS)) - spent()
  let answer: ApiError | undefined
  for (let tries = 0; ; tries++) {
    try {
      signal?.throwIfAborted()
      return await once(Math.max(1, left()))
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof ApiError) answer = error
      if (!isPassing(error) || !patience.repeatable()) throw named(error, patience.server, spent())
      const pauseMs = pauseBefore(tries, random.fraction(), error instanceof ApiError ? error.retryAfterMs : undefined)
      // A last try that was cut off by the end of patience tells less than the answer before it.
      if (pauseMs >= left()) throw isCutOff(error) && answer ? answer : named(error, patience.server, spent())
      const failure = named(error, patience.server, spent())
      patience.onRetry?.({ message: failure.message, pauseMs }, failure)
      await pause(clock, pauseMs, signal)
    }
  }
}

/** Whether trying again may help. */
export function isPassing(error: unknown): error is ApiError | TransportError {
  if (error instanceof ApiError) return PASSING_STATUS.has(error.status)
  return error instanceof TransportError && PASSING_FAILURE.has(error.failure)
}

const isCutOff = (error: Error) => error instanceof TransportError && error.failure === 'timeout'

/**
 * The pause before try number `tries + 2`, milliseconds: exponential with full jitter, or what the server asked for,
 * bounded, with up to a second more so that clients do not come back all at once.
 */
export function pauseBefore(tries: number, fraction: number, retryAfterMs?: number): number {
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) + fraction * 1000
  return fraction * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 20))
}

/** Milliseconds of a `Retry-After` (RFC 9110 10.2.3: seconds or a date); undefined when there is none that makes sense. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

function named(error: unknown, server: string, spentMs: number): Error {
  if (!(error instanceof TransportError)) return error instanceof Error ? error : new Error(String(error))
  const since = spentMs >= 1000 ? ` for ${Math.round(spentMs / 1000)} s` : ''
  return new UnreachableError(`No answer from ${server}${since}: ${error.message}`, { cause: error })
}
