import { isWellFormedApiKey } from '../contract/api-key.ts'
import { API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT, type TokenAnswer } from '../contract/tokens.ts'
import { isPassing } from './retry.ts'

/** There is no key, or it cannot be one. The message never holds it. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
}

/** The part of a token's life after which it is renewed. */
const RENEW_AT = 0.8
/** Keys that expire sooner are told of, milliseconds. */
export const KEY_EXPIRY_NOTICE_MS = 14 * 24 * 60 * 60 * 1000

/** Looks at the key's form, so that a wrong paste is told without asking the server. Throws a {@link KeyError}. */
export function checkedKey(text: string): string {
  const key = text.trim()
  if (key === '') throw new KeyError('No API key: set VERDICT_API_KEY to one that `verdict keys create` printed')
  if (isWellFormedApiKey(key)) return key
  throw new KeyError(`VERDICT_API_KEY does not look like a Verdict key: ${fault(key)}`)
}

function fault(key: string): string {
  if (/^["'].*["']$/s.test(key)) return 'it stands in quotes'
  if (/\s/.test(key)) return 'it has spaces or line ends in it'
  if (key.startsWith('eyJ')) return 'it is a token, which lives for minutes only; the key begins with vdt_'
  if (!key.startsWith('vdt_')) return 'it does not begin with vdt_'
  if (key.length !== 40) return `it has ${key.length} characters instead of 40; was it cut off or pasted twice?`
  return 'its checksum is wrong, so at least one character was mistyped'
}

export interface Token {
  readonly value: string
  /** How long it still lives, milliseconds. */
  readonly leftMs: number
}

export interface TokenSource {
  /** A token that lives on for at least a fifth of its life, if the server can be asked. Rejects as `exchange` does. */
  current(): Promise<Token>
  /** Says that the server refused this token: the next one is a new one. */
  refuse(value: string): void
}

export interface TokenSourceOptions {
  /** One exchange, tried once. */
  readonly exchange: () => Promise<TokenAnswer>
  /** Milliseconds that never go back. */
  readonly monotonic: () => number
  /** Told of every new token before it is used, for instance to mask it. */
  readonly onToken?: (answer: TokenAnswer) => void
  /** Told of the first one. */
  readonly onFirst?: (answer: TokenAnswer) => void
}

/** Keeps a token fresh. One exchange is in flight at most, whoever asks. */
export function tokenSource({ exchange, monotonic, onToken, onFirst }: TokenSourceOptions): TokenSource {
  let held: { value: string; renewAt: number; endsAt: number } | undefined
  let pending: Promise<void> | undefined
  let first = true

  const renew = async () => {
    const askedAt = monotonic()
    const answer = await exchange()
    onToken?.(answer)
    if (first) onFirst?.(answer)
    first = false
    const lifeMs = answer.expires_in * 1000
    held = { value: answer.access_token, renewAt: askedAt + lifeMs * RENEW_AT, endsAt: askedAt + lifeMs }
  }

  return {
    async current() {
      if (held === undefined || monotonic() >= held.renewAt) {
        pending ??= renew().finally(() => {
          pending = undefined
        })
        try {
          await pending
        } catch (error) {
          // The old one is good for a while yet: an outage of the token endpoint alone disturbs nobody.
          if (held === undefined || monotonic() >= held.endsAt || !isPassing(error)) throw error
        }
      }
      if (held === undefined) return this.current()
      return { value: held.value, leftMs: held.endsAt - monotonic() }
    },
    refuse(value) {
      if (held?.value === value) held = undefined
    },
  }
}

/** The body of the exchange (RFC 8693 2.1). */
export function exchangeForm(apiKey: string): string {
  return new URLSearchParams({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: apiKey,
    subject_token_type: API_KEY_TOKEN_TYPE,
  }).toString()
}
