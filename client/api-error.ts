import { ERRORS, type ErrorCode, type OAuthErrorCode } from '../contract/errors.ts'
import type { OAuthProblem, Problem } from '../contract/problems.ts'
import { versionHint } from './version-hint.ts'

/**
 * Codes for answers that no Verdict server gives: a redirect, or a page of something that stands before or instead of it.
 */
export type ForeignCode = 'redirect' | 'not_verdict'

export interface ApiErrorFields {
  readonly code: ErrorCode | OAuthErrorCode | ForeignCode
  readonly status: number
  /** What was asked for: the exchange of the key for a token, or anything else. */
  readonly during: 'exchange' | 'call'
  readonly requestId?: string
  /** Milliseconds that the server asked to wait. */
  readonly retryAfterMs?: number
  /** Of a validation: which field, what is wrong. */
  readonly errors?: readonly { path: string; message: string }[]
}

/** The server answered, with an error. `message` is for a person; it never holds a key, a token or a body of others. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiErrorFields['code']
  readonly status: number
  readonly during: ApiErrorFields['during']
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined
  readonly errors: readonly { path: string; message: string }[]

  constructor(message: string, fields: ApiErrorFields) {
    super(message)
    this.code = fields.code
    this.status = fields.status
    this.during = fields.during
    this.requestId = fields.requestId
    this.retryAfterMs = fields.retryAfterMs
    this.errors = fields.errors ?? []
  }
}

/** No answer, or none that lasted, for as long as the client was willing to try. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The server's address, for the message. */
  readonly server: string
  readonly during: ApiErrorFields['during']
  readonly retryAfterMs?: number
}

/** What an answer that is no success means. Takes RFC 9457 problems, RFC 6749 errors, and whatever a proxy makes up. */
export function apiErrorOf(answer: ErrorAnswer): ApiError {
  const { status, headers, during, server, retryAfterMs } = answer
  const requestId = headers['request-id']
  const fields = { status, during, requestId, retryAfterMs }
  const body = parsed(answer.text)
  if (isProblem(body)) {
    const errors = body.errors ?? []
    const message = sentence(body, errors, requestId) + versionHint(body.code, headers['verdict-version'])
    return new ApiError(message, { ...fields, code: body.code as ErrorCode, errors })
  }
  if (isOAuthProblem(body)) {
    return new ApiError(body.error_description, { ...fields, code: body.error as OAuthErrorCode })
  }
  // The answer to a HEAD has no body: what is known then is in its headers (RFC 6750 section 3).
  if (headers['verdict-version'] !== undefined && answer.text === '' && status >= 400) return bodiless(answer, fields)
  if (status >= 300 && status < 400)
    return new ApiError(redirected(server, headers.location), { ...fields, code: 'redirect' })
  return new ApiError(
    `${server} answered ${status}, and not as a Verdict server does: is VERDICT_URL right, and is the server up behind its proxy?`,
    { ...fields, code: 'not_verdict' },
  )
}

function bodiless({ status, headers, server }: ErrorAnswer, fields: Omit<ApiErrorFields, 'code'>): ApiError {
  const challenge = headers['www-authenticate'] ?? ''
  const said = /\berror="([a-z_]+)"/.exec(challenge)?.[1]
  const why = /\berror_description="([^"]+)"/.exec(challenge)?.[1]
  const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].status === status)
  const code = codes.find((one) => one === said) ?? codes[0]
  return new ApiError(why ?? `${server} answered ${status}: ${code === undefined ? 'unknown' : ERRORS[code].title}`, {
    ...fields,
    code: code ?? 'not_verdict',
  })
}

function sentence(problem: Problem, errors: readonly { path: string; message: string }[], requestId?: string): string {
  const text = problem.detail || problem.title || ERRORS.internal.title
  const fields = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  // Of use to the operator only where the server itself failed.
  const trace = problem.status >= 500 && requestId !== undefined ? ` (request ${requestId})` : ''
  return `${text}${fields === '' || text.includes(fields) ? '' : ` (${fields})`}${trace}`
}

function redirected(server: string, location: string | undefined): string {
  const target = location !== undefined && URL.canParse(location, server) ? new URL(location, server) : undefined
  // Only the origin: the rest of a redirect may carry what a login page put there.
  return `${server} answered with a redirect${target === undefined ? '' : ` to ${target.origin}`}, which is not followed with a key: set VERDICT_URL to the server's own address`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isProblem(body: unknown): body is Problem {
  return isRecord(body) && typeof body.code === 'string' && typeof body.status === 'number'
}

function isOAuthProblem(body: unknown): body is OAuthProblem {
  return isRecord(body) && typeof body.error === 'string' && typeof body.error_description === 'string'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
