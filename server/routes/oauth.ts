import formbody from '@fastify/formbody'
import { Type } from 'typebox'
import type { AuditEntry, AuditTrail } from '../domain/audit-trail.ts'
import type { Credentials } from '../domain/credentials.ts'
import type { Form } from '../domain/exchange-form.ts'
import type { Metering } from '../domain/metering.ts'
import { OAuthProblem } from '../domain/problem.ts'
import type { Subject, Tokens } from '../domain/tokens.ts'
import { aboutWorker } from '../domain/worker-token.ts'
import { type App, jsonOf } from './http.ts'
import type { RateLimits } from './rate-limits.ts'

const FORM_MAX_BYTES = 64 * 1024
const tags = ['tokens']
const consumes = ['application/x-www-form-urlencoded']
const refusal = { description: 'Why not (RFC 6749 5.2)', ...jsonOf({ $ref: 'OAuthProblem#' }) }
const refusals = { '4xx': refusal, '5xx': refusal }

const Issued = Type.Object({
  access_token: Type.String(),
  issued_token_type: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'seconds' }),
  scope: Type.String(),
  key_expires_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
})
const Introspected = Type.Object({ active: Type.Boolean() }, { additionalProperties: true })

/** Token exchange, revocation and introspection (RFC 8693, 7009, 7662). */
export function oauthRoutes(
  app: App,
  options: {
    tokens: Tokens
    credentials: Credentials
    audit: AuditTrail
    metering: Metering
    limits: RateLimits
  },
): void {
  const { tokens, credentials, audit, metering, limits } = options

  app.register(async (oauth: App) => {
    oauth.removeAllContentTypeParsers()
    await oauth.register(formbody, { bodyLimit: FORM_MAX_BYTES })
    oauth.addHook('onRequest', (_request, reply, done) => {
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
      done()
    })

    oauth.post(
      '/oauth/token',
      {
        config: { access: 'public' },
        schema: {
          tags,
          consumes,
          summary: 'Exchange an API key, or a sign-in, for an access token (RFC 8693)',
          response: { 200: Issued, ...refusals },
        },
      },
      async (request, reply) => {
        const from = { address: request.ip, requestId: request.id }
        let subject: Subject | undefined
        try {
          subject = await tokens.identify(formOf(request.body), from)
          const { user, id } = whose(subject)
          await limits.exchange(request, reply, id)
          const answer = await tokens.issue(subject, from)
          if (subject.kind !== 'worker') metering.exchange(user, id)
          return answer
        } catch (error) {
          if (error instanceof OAuthProblem) audit.note(refusalOf(error, subject, from))
          throw error
        }
      },
    )

    oauth.post(
      '/oauth/revoke',
      {
        config: { access: 'public' },
        schema: {
          tags,
          consumes,
          summary: 'End an API key or access token by showing it (RFC 7009)',
          response: { 200: Type.Object({}), ...refusals },
        },
      },
      async (request) => {
        await credentials.revoke(formOf(request.body), { address: request.ip, requestId: request.id })
        return {}
      },
    )

    oauth.post(
      '/oauth/introspect',
      {
        config: { access: ['users:write', 'admin'] },
        schema: {
          tags,
          consumes,
          summary: 'Whether an API key or access token is good now, and whose (RFC 7662)',
          response: { 200: Introspected, ...refusals },
        },
      },
      (request) => credentials.introspect(formOf(request.body)),
    )
  })
}

/** Whose exchange it is, and what its limits count by. */
function whose(subject: Subject): { user: string; workspace: string | null; id: string } {
  if (subject.kind === 'key') return subject.key
  if (subject.kind === 'worker') return aboutWorker(subject.worker)
  const { user, client } = subject
  return { user: user.id, workspace: user.workspace, id: `${client}/${user.id}` }
}

/** What the audit log keeps of a refused exchange: why, as exactly as is known, and nothing that was shown. */
function refusalOf(
  error: OAuthProblem,
  subject: Subject | undefined,
  from: { address: string; requestId: string },
): AuditEntry {
  const about = error.about ?? (subject && whose(subject))
  return {
    action: 'token.refused',
    outcome: 'refused',
    workspace: about?.workspace ?? null,
    user: about?.user ?? null,
    credential: about?.id ?? null,
    target: null,
    detail: { error: error.code, reason: error.reason ?? error.message },
    ...from,
  }
}

/** RFC 6749 3.2: no parameter twice, which is a list here; one without a value counts as left out. */
function formOf(body: unknown): Form {
  if (body === undefined || body === null)
    throw new OAuthProblem('invalid_request', 'Send a form: Content-Type: application/x-www-form-urlencoded.')
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(body as Record<string, string | string[]>)) {
    if (Array.isArray(value))
      throw new OAuthProblem(
        'invalid_request',
        `${/^[a-z_]{1,50}$/.test(name) ? `The parameter ${name}` : 'A parameter'} is given more than once.`,
      )
    if (value !== '') values[name] = value
  }
  return values
}
