import formbody from '@fastify/formbody'
import { type TSchema, Type } from 'typebox'
import { SCOPES } from '../../contract/scopes.ts'
import { ACCESS_TOKEN_TYPE, API_KEY_TOKEN_TYPE, ID_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../contract/tokens.ts'
import type { AuditEntry, AuditTrail } from '../domain/audit-trail.ts'
import type { Credentials } from '../domain/credentials.ts'
import type { Form } from '../domain/exchange-form.ts'
import type { Metering } from '../domain/metering.ts'
import { OAuthProblem } from '../domain/problem.ts'
import type { Signing } from '../domain/signing.ts'
import type { Subject, Tokens } from '../domain/tokens.ts'
import { aboutWorker } from '../domain/worker-token.ts'
import type { App } from './http.ts'
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
const Metadata = Type.Object({ issuer: Type.String(), token_endpoint: Type.String(), jwks_uri: Type.String() })
const Introspected = Type.Object({ active: Type.Boolean() }, { additionalProperties: true })
const Jwks = Type.Object({ keys: Type.Array(Type.Object({ kid: Type.String(), alg: Type.String() })) })

function jsonOf(schema: TSchema | { $ref: string }) {
  return { content: { 'application/json': { schema } } }
}

/** Token exchange, revocation, and what clients need to know of them (RFC 8693, 7009, 8414, 7517). */
export function oauthRoutes(
  app: App,
  options: {
    tokens: Tokens
    credentials: Credentials
    signing: Signing
    audit: AuditTrail
    metering: Metering
    limits: RateLimits
    issuer: string
    /** Whether people's sign-ins at an OIDC issuer are taken. */
    signIns: boolean
  },
): void {
  const { tokens, credentials, signing, audit, metering, limits, issuer } = options

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

  app.register(async (wellKnown: App) => {
    wellKnown.addHook('onSend', async (_request, reply) => {
      reply.header('cache-control', 'max-age=300')
    })
    wellKnown.get(
      '/.well-known/oauth-authorization-server',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Metadata (RFC 8414)',
          response: { 200: { description: 'Metadata', ...jsonOf(Metadata) } },
        },
      },
      async () => ({
        issuer,
        token_endpoint: `${issuer}/oauth/token`,
        revocation_endpoint: `${issuer}/oauth/revoke`,
        introspection_endpoint: `${issuer}/oauth/introspect`,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        response_types_supported: [],
        grant_types_supported: [TOKEN_EXCHANGE_GRANT],
        token_endpoint_auth_methods_supported: ['none'],
        revocation_endpoint_auth_methods_supported: ['none'],
        introspection_endpoint_auth_methods_supported: ['bearer'],
        subject_token_types_supported: [
          API_KEY_TOKEN_TYPE,
          ...(options.signIns ? [ID_TOKEN_TYPE, ACCESS_TOKEN_TYPE] : []),
        ],
        scopes_supported: SCOPES.filter((scope) => scope !== 'work'),
        service_documentation: `${issuer}/docs`,
      }),
    )
    wellKnown.get(
      '/.well-known/jwks.json',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Public keys of access tokens (RFC 7517)',
          response: { 200: { description: 'Keys', ...jsonOf(Jwks) } },
        },
      },
      async () => signing.jwks(),
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
