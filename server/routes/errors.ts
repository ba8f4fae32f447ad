import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, type ErrorCode, OAUTH_ERRORS, type OAuthErrorCode } from '../../contract/errors.ts'
import { OAuthProblem, Problem } from '../domain/problem.ts'
import type { App } from './http.ts'
import type { RateLimits } from './rate-limits.ts'

/** What the store rejects with, without importing it: `server/store/ports/store.ts`. */
const isOutage = (error: Error): error is Error & { code: 'unavailable' | 'full' } => error.name === 'StoreError'

/** Fastify's own errors, by their code. */
const OF_FASTIFY: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'The Content-Type is not one that this address takes.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'The body is larger than this address takes.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_json', 'The body is not valid JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_json', 'The body is empty, but its Content-Type says JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'The body is not as long as Content-Length says.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The address cannot be decoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'There is nothing at this address: a part of it is too long.'],
}

/** One handler translates every error: RFC 9457 below `/v1`, RFC 6749 5.2 below `/oauth`. */
export function errorAnswers(app: App, limits: () => RateLimits): void {
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    if (request.url.startsWith('/oauth/')) return answerOAuth(error, request, reply, limits())
    const problem = problemOf(error, request)
    const refused = problem.unverified && (await limits().failure(request, reply))
    return answerProblem(refused ? tooManyFailures() : problem, request, reply)
  })
}

/** Answers an error that came before any route was found. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return answerProblem(problemOf(error, request), request, reply)
}

function problemOf(error: FastifyError, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error
  if (error.validation) {
    const errors = error.validation.map((one) => ({
      path: `${one.instancePath}${one.params.missingProperty ? `/${one.params.missingProperty}` : ''}` || '/',
      message: one.params.additionalProperty
        ? `unknown field "${String(one.params.additionalProperty).slice(0, 100)}"`
        : (one.message ?? 'not valid'),
    }))
    const shown = errors.slice(0, 3).map(({ path, message }) => `${path === '/' ? '' : `${path} `}${message}`)
    return new Problem(
      'invalid_request',
      `The ${error.validationContext ?? 'request'} is not valid: ${shown.join('; ')}.`,
      { errors: errors.slice(0, 50) },
    )
  }
  const known = OF_FASTIFY[error.code]
  if (known) return new Problem(...known)
  if (isOutage(error)) {
    request.log.error({ err: error }, 'the store is away')
    return error.code === 'full'
      ? new Problem(
          'disk_full',
          'The server has no room left on its disk. Nothing was half written. Tell its operator.',
          { cause: error, retryAfter: 60 },
        )
      : new Problem('unavailable', 'The store is away. Nothing was half written; try again.', {
          cause: error,
          retryAfter: 2,
        })
  }
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500)
    return new Problem('invalid_request', error.message, { cause: error })
  request.log.error({ err: error }, 'unexpected error')
  return new Problem(
    'internal',
    `Something went wrong in the server. Its log has the cause under request ${request.id}.`,
    { cause: error },
  )
}

/** Bytes that are no HTTP request: there is none to reply to yet, so the answer is written by hand. */
export function unreadableAnswer(version: string) {
  return (error: ConnectionError, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const { status, title } = ERRORS.invalid_request
    const requestId = randomUUID()
    const detail =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? 'The head of the request is larger than 16 kB. Is the Authorization header one access token?'
        : 'This is not an HTTP/1.1 request.'
    const body = JSON.stringify({
      type: typeOf('invalid_request'),
      title,
      status,
      detail,
      code: 'invalid_request',
      requestId,
    })
    const head = [
      `HTTP/1.1 ${status} Bad Request`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `request-id: ${requestId}`,
      `verdict-version: ${version}`,
      'connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  }
}

const typeOf = (code: ErrorCode) => `https://verdict.invalid/problems/${code}`

function tooManyFailures(): Problem {
  return new Problem('rate_limited', 'This address sent too many credentials that do not verify. Wait a minute.')
}

function answerProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, title } = ERRORS[problem.code]
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter)
  if (status === 401) reply.header('www-authenticate', challenge(problem))
  if (problem.code === 'insufficient_scope') reply.header('www-authenticate', challenge(problem))
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: typeOf(problem.code),
      title,
      status,
      detail: problem.message,
      code: problem.code,
      requestId: request.id,
      ...(problem.errors ? { errors: problem.errors } : {}),
    })
}

/** RFC 6750 3: no error code when no credential was sent. */
function challenge(problem: Problem): string {
  if (problem.code === 'unauthorized') return 'Bearer realm="verdict"'
  const description = problem.message.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ')
  return `Bearer realm="verdict", error="${problem.code}", error_description="${description}"`
}

async function answerOAuth(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  limits: RateLimits,
): Promise<FastifyReply> {
  let problem = oauthProblemOf(error, request)
  if (problem.unverified && (await limits.failure(request, reply))) {
    problem = new OAuthProblem('slow_down', 'This address sent too many credentials that do not verify. Wait a minute.')
  }
  if (problem.code === 'temporarily_unavailable') reply.header('retry-after', 2)
  if (error instanceof Problem) {
    if (OAUTH_ERRORS[problem.code] !== 429) reply.header('www-authenticate', challenge(error))
    if (error.retryAfter !== undefined) reply.header('retry-after', error.retryAfter)
  }
  return reply
    .code(OAUTH_ERRORS[problem.code])
    .type('application/json')
    .send({ error: problem.code, error_description: described(problem.message) })
}

/** What authentication and limits say of those that need a token there, in the words of RFC 6750 3.1. */
const OF_PROBLEMS: Partial<Record<ErrorCode, OAuthErrorCode>> = {
  unauthorized: 'invalid_token',
  invalid_token: 'invalid_token',
  address_refused: 'invalid_token',
  insufficient_scope: 'insufficient_scope',
  rate_limited: 'slow_down',
}

function oauthProblemOf(error: FastifyError, request: FastifyRequest): OAuthProblem {
  if (error instanceof OAuthProblem) return error
  const code = error instanceof Problem ? OF_PROBLEMS[error.code] : undefined
  if (error instanceof Problem && code) return new OAuthProblem(code, error.message, { unverified: error.unverified })
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new OAuthProblem('invalid_request', 'Send a form: Content-Type: application/x-www-form-urlencoded.')
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500)
    return new OAuthProblem('invalid_request', 'The form is not valid or too large.')
  request.log.error({ err: error }, 'token endpoint failed')
  return new OAuthProblem('temporarily_unavailable', 'The server cannot answer just now. Try again.')
}

/** RFC 6749 5.2: printable ASCII without double quotes and backslashes, though the name of a key may hold anything. */
function described(message: string): string {
  return message.replaceAll('"', "'").replace(/[^\x20-\x5b\x5d-\x7e]/g, '?')
}
