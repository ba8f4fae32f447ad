import type { ErrorCode, OAuthErrorCode } from '../../contract/errors.ts'

/** What the domain throws for `/v1`: a code of the closed table and a sentence for a person. Never holds a secret. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ErrorCode
  readonly errors: readonly { path: string; message: string }[] | undefined
  /** Seconds after which a repetition makes sense. */
  readonly retryAfter: number | undefined
  /** Whether it counts against the sender's address: a credential that does not verify. */
  readonly unverified: boolean

  constructor(
    code: ErrorCode,
    detail: string,
    more: {
      cause?: unknown
      errors?: readonly { path: string; message: string }[]
      retryAfter?: number
      unverified?: boolean
    } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause })
    this.unverified = more.unverified ?? false
    this.code = code
    this.errors = more.errors
    this.retryAfter = more.retryAfter
  }
}

/** What the domain throws for `/oauth` (RFC 6749 5.2). */
export class OAuthProblem extends Error {
  override readonly name = 'OAuthProblem'
  readonly code: OAuthErrorCode
  /** Whether it counts against the sender's address: a credential that does not verify. */
  readonly unverified: boolean

  constructor(code: OAuthErrorCode, description: string, more: { unverified?: boolean } = {}) {
    super(description)
    this.code = code
    this.unverified = more.unverified ?? false
  }
}

/** A field that belongs to a later part of Verdict. */
export function notSupported(what: string): Problem {
  return new Problem('not_supported', `${what} is not supported by this version of the server yet.`)
}
