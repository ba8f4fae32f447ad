import type { Sent } from '../sender/sender.ts'

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000]
/** Between one attempt and the next (Standard Webhooks 1.0.0, "Deliverability and reliability"): 76 hours in all. */
export const RETRY_DELAYS_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const
const JITTER = 0.2
/** An endpoint that is overloaded gets at least this pause. */
const OVERLOAD_MS = MINUTE
/** What an endpoint may ask for by Retry-After, beyond the plan's own pause. */
const RETRY_AFTER_MAX_MS = HOUR

export type Kind = 'standard' | 'github' | 'gitlab'

export interface Judgement {
  readonly outcome: 'delivered' | 'retry' | 'failed' | 'disable'
  /** In words; null when all is well. */
  readonly error: string | null
  /** The endpoint has too much to do: it is to be sent one thing at a time. */
  readonly overloaded: boolean
  /** The endpoint works, this one delivery cannot. */
  readonly blameless: boolean
}

const OVERLOAD = [429, 502, 504]
/** A forge says by these that it does not know the commit or refuses what is sent: no repetition changes that. */
const FORGE_REFUSALS = [400, 404, 422]

/** What an answer means. 2xx is success; a redirect is not followed, and is none. */
export function judge(sent: Sent, kind: Kind): Judgement {
  const retry = { outcome: 'retry', overloaded: false, blameless: false } as const
  if ('fault' in sent) return { ...retry, error: sent.message, overloaded: sent.fault === 'timeout' }
  const { status, answer } = sent
  if (status >= 200 && status < 300) return { outcome: 'delivered', error: null, overloaded: false, blameless: false }
  const forge = kind === 'github' ? 'GitHub' : 'GitLab'
  if (kind === 'standard') {
    if (status === 410) return { ...retry, outcome: 'disable', error: 'It answered 410: it wants no more.' }
  } else if (status === 401) {
    return { ...retry, outcome: 'disable', error: `${forge} refused the token (401): it was revoked or has expired.` }
  } else if (kind === 'gitlab' && status === 400 && /cannot transition status/i.test(answer ?? '')) {
    // The status is what it should be already: GitLab answers a repetition so.
    return { outcome: 'delivered', error: null, overloaded: false, blameless: false }
  } else if (FORGE_REFUSALS.includes(status)) {
    const why = `${forge} answered ${status}: it does not know the commit or the repository, or the token may not set statuses.`
    return { ...retry, outcome: 'failed', blameless: true, error: why }
  }
  const redirect =
    status >= 300 && status < 400 ? ': a redirect, which is not followed. Give the callback its final address' : ''
  return { ...retry, error: `It answered ${status}${redirect}.`, overloaded: OVERLOAD.includes(status) }
}

/**
 * When the next attempt is due, in milliseconds from now; undefined after the last. `tries`: attempts so far, this one
 * included. `random`: from 0 to 1.
 */
export function nextDelay(
  tries: number,
  { overloaded }: Pick<Judgement, 'overloaded'>,
  retryAfterMs: number | undefined,
  random: () => number,
): number | undefined {
  const planned = RETRY_DELAYS_MS[tries - 1]
  if (planned === undefined) return undefined
  const jittered = planned * (1 - JITTER + 2 * JITTER * random())
  const delay = overloaded ? Math.max(jittered, OVERLOAD_MS) : jittered
  const asked = Math.min(retryAfterMs ?? 0, Math.max(2 * planned, RETRY_AFTER_MAX_MS))
  return Math.round(Math.max(delay, asked))
}

/** `Retry-After` (RFC 9110 10.2.3): seconds or a date. Undefined when it says nothing that can be understood. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * SECOND
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
