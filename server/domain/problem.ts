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

/** A credential as the audit log names it. */
export interface CredentialFacts {
  readonly id: string
  readonly user: string | null
  readonly workspace: string | null
}

/** What the domain throws for `/oauth` (RFC 6749 5.2). */
export class OAuthProblem extends Error {
  override readonly name = 'OAuthProblem'
  readonly code: OAuthErrorCode
  /** Whether it counts against the sender's address: a credential that does not verify. */
  readonly unverified: boolean
  /** Why, for the audit log alone, where the answer must not say it. */
  readonly reason: string | undefined
  /** Whose credential it is, if that is known. */
  readonly about: CredentialFacts | undefined

  constructor(
    code: OAuthErrorCode,
    description: string,
    more: { unverified?: boolean; reason?: string; about?: CredentialFacts; cause?: unknown } = {},
  ) {
    super(description, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.unverified = more.unverified ?? false
    this.reason = more.reason
    this.about = more.about
  }
}

/** A field that belongs to a later part of Verdict. */
export function notSupported(what: string): Problem {
  return new Problem('not_supported', `${what} is not supported by this version of the server yet.`)
}
