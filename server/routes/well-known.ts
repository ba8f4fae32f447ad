import { Type } from 'typebox'
import { SCOPES } from '../../contract/scopes.ts'
import { ACCESS_TOKEN_TYPE, API_KEY_TOKEN_TYPE, ID_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../contract/tokens.ts'
import type { Signing } from '../domain/signing.ts'
import { type App, jsonOf } from './http.ts'

const tags = ['tokens']
const Metadata = Type.Object({ issuer: Type.String(), token_endpoint: Type.String(), jwks_uri: Type.String() })
const Jwks = Type.Object({ keys: Type.Array(Type.Object({ kid: Type.String(), alg: Type.String() })) })

/** What clients and other services need to know of our tokens (RFC 8414, 7517). `signIns`: whether OIDC tokens are taken. */
export function wellKnownRoutes(
  app: App,
  { signing, issuer, signIns }: { signing: Signing; issuer: string; signIns: boolean },
): void {
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
        subject_token_types_supported: [API_KEY_TOKEN_TYPE, ...(signIns ? [ID_TOKEN_TYPE, ACCESS_TOKEN_TYPE] : [])],
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
