import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Archive } from '../../contract/archives.ts'
import { Artifact } from '../../contract/artifacts.ts'
import { AuditEvent } from '../../contract/audit.ts'
import { Callback, NewCallback, NewSecret } from '../../contract/callbacks.ts'
import { Case } from '../../contract/cases.ts'
import { Delivery, DeliveryDetail } from '../../contract/deliveries.ts'
import { Key, NewKey } from '../../contract/keys.ts'
import { Me } from '../../contract/me.ts'
import { OAuthProblem, Problem } from '../../contract/problems.ts'
import { Run } from '../../contract/runs.ts'
import { Revision, SecretName, Suite } from '../../contract/suites.ts'
import { NewTrigger, Trigger, TriggerSkipped } from '../../contract/triggers.ts'
import { Usage } from '../../contract/usage.ts'
import { User } from '../../contract/users.ts'
import { NewWorker, Worker } from '../../contract/workers.ts'
import { AcceptedInvitation, Member, NewInvitation, NewWorkspace, Workspace } from '../../contract/workspaces.ts'
import type { App } from './http.ts'

const MODELS = [
  Archive,
  Artifact,
  Callback,
  Case,
  Delivery,
  DeliveryDetail,
  Key,
  NewKey,
  Me,
  NewCallback,
  NewSecret,
  NewTrigger,
  OAuthProblem,
  Problem,
  Run,
  Revision,
  SecretName,
  Suite,
  Trigger,
  TriggerSkipped,
  User,
  NewWorker,
  Worker,
  AcceptedInvitation,
  AuditEvent,
  Member,
  NewInvitation,
  NewWorkspace,
  Usage,
  Workspace,
]

/** The reference page asks no other origin, and works by plain http on any host. */
const OWN_FILES_ONLY =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

/** `/openapi.json` and the reference page `/docs`, both made from the routes' own schemas. */
export async function openapi(app: App, options: { version: string; publicUrl: string }): Promise<void> {
  for (const model of MODELS) app.addSchema(model)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Verdict',
        version: options.version,
        description:
          'A self-hosted test gate for CI. Exchange an API key for an access token at `POST /oauth/token`, and send that as Bearer.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: options.publicUrl }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema.$id === 'string' ? schema.$id : `def-${index}`,
    },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access
      const security = access === 'public' ? [] : [{ token: Array.isArray(access) ? [...access] : [] }]
      return { schema: { ...schema, security }, url }
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: () => OWN_FILES_ONLY,
    uiConfig: { docExpansion: 'list', validatorUrl: null },
  })
  app.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async () => app.swagger())
}
