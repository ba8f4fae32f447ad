import formbody from '@fastify/formbody'
import { type TSchema, Type } from 'typebox'
import { SCOPES } from '../../contract/scopes.ts'
import { API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../contract/tokens.ts'
import { OAuthProblem } from '../domain/problem.ts'
import type { Signing } from '../domain/signing.ts'
import type { Form, Tokens } from '../domain/tokens.ts'
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
const Jwks = Type.Object({ keys: Type.Array(Type.Object({ kid: Type.String(), alg: Type.String() })) })

function jsonOf(schema: TSchema | { $ref: string }) {
  return { content: { 'application/json': { schema } } }
}

/** Token exchange, revocation, and what clients need to know of them (RFC 8693, 7009, 8414, 7517). */
export function oauthRoutes(
  app: App,
  { tokens, signing, limits, issuer }: { tokens: Tokens; signing: Signing; limits: RateLimits; issuer: string },
): void {
  app.register(async (oauth: App) => {
    oauth.removeAllContentTypeParsers()
    await oauth.register(formbody, { parser: readForm, bodyLimit: FORM_MAX_BYTES })
    oauth.addHook('onSend', async (_request, reply) => {
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
    })

    oauth.post(
      '/oauth/token',
      {
        config: { access: 'public' },
        schema: {
          tags,
          consumes,
          summary: 'Exchange an API key for an access token (RFC 8693)',
          response: { 200: Issued, ...refusals },
        },
      },
      async (request, reply) => {
        const sent = formOf(request.body)
        const key = await tokens.identify(sent)
        await limits.exchange(request, reply, key.id)
        return tokens.issue(key, sent)
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
        await tokens.revoke(formOf(request.body))
        return {}
      },
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
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        response_types_supported: [],
        grant_types_supported: [TOKEN_EXCHANGE_GRANT],
        token_endpoint_auth_methods_supported: ['none'],
        revocation_endpoint_auth_methods_supported: ['none'],
        subject_token_types_supported: [API_KEY_TOKEN_TYPE],
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

/** Repeated parameters are kept as lists here, and refused in {@link formOf}. */
function readForm(text: string): Record<string, string[]> {
  const lists: Record<string, string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    lists[name] ??= []
    lists[name].push(value)
  }
  return lists
}

/** RFC 6749 3.2: no parameter twice; one without a value counts as left out. */
function formOf(body: unknown): Form {
  if (body === undefined || body === null)
    throw new OAuthProblem('invalid_request', 'Send a form: Content-Type: application/x-www-form-urlencoded.')
  const values: Record<string, string> = {}
  for (const [name, list] of Object.entries(body as Record<string, string[]>)) {
    if (list.length > 1)
      throw new OAuthProblem('invalid_request', `The parameter ${name.slice(0, 50)} is given more than once.`)
    if (list[0] !== '') values[name] = list[0] as string
  }
  return values
}
