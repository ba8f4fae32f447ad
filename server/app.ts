import { randomUUID } from 'node:crypto'
import cors from '@fastify/cors'
import Fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import type { Registry } from 'prom-client'
import type { Domain } from './domain/domain.ts'
import { archiveRoutes } from './routes/archives.ts'
import { auditRoutes } from './routes/audit.ts'
import { auditedChanges } from './routes/audited.ts'
import { authentication } from './routes/authentication.ts'
import { callbackRoutes } from './routes/callbacks.ts'
import { deliveryRoutes } from './routes/deliveries.ts'
import { answerError, errorAnswers, unreadableAnswer } from './routes/errors.ts'
import type { App } from './routes/http.ts'
import { keyRoutes } from './routes/keys.ts'
import { memberRoutes } from './routes/members.ts'
import { notFoundAnswers } from './routes/not-found.ts'
import { oauthRoutes } from './routes/oauth.ts'
import { openapi } from './routes/openapi.ts'
import { operationRoutes, type ShippedCli } from './routes/operations.ts'
import { type RateLimits, type Rates, rateLimits } from './routes/rate-limits.ts'
import { runResultRoutes } from './routes/run-results.ts'
import { runRoutes } from './routes/runs.ts'
import { SECURITY_HEADERS } from './routes/security-headers.ts'
import { suiteRoutes } from './routes/suites.ts'
import { triggerHookRoutes, triggerRoutes } from './routes/triggers.ts'
import { userKeyRoutes } from './routes/user-keys.ts'
import { userRoutes } from './routes/users.ts'
import { wellKnownRoutes } from './routes/well-known.ts'
import { workRoutes } from './routes/work.ts'
import { workerRoutes } from './routes/workers.ts'
import { workspaceRoutes } from './routes/workspaces.ts'

export interface AppOptions {
  readonly version: string
  readonly publicUrl: string
  readonly log: FastifyBaseLogger
  /** Networks of proxies whose X-Forwarded-For is believed. */
  readonly trustProxy: readonly string[]
  /** Whether people's sign-ins at an OIDC issuer are taken. */
  readonly signIns: boolean
  readonly corsOrigins: readonly string[]
  readonly archiveMaxBytes: number
  readonly rates: Rates
  readonly metrics: Registry
  readonly cli: ShippedCli
  /** Told of every answer; `route` is the pattern, never the address itself. */
  readonly onAnswer: (answer: { method: string; route: string; status: number; ms: number }) => void
}

const BODY_MAX_BYTES = 1024 * 1024
/** What pages of allowed origins may send and read. No cookies: the token is in a header. */
const CORS = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposedHeaders: [
    'ETag',
    'Idempotent-Replayed',
    'Location',
    'Preference-Applied',
    'RateLimit',
    'RateLimit-Policy',
    'Request-Id',
    'Retry-After',
    'Verdict-Version',
    'WWW-Authenticate',
  ],
  maxAge: 600,
}
/** Above the longest hold of an answer (50 s), so that a held one is never cut. */
const CONNECTION_TIMEOUT_MS = 120_000
/** At a stop, how long answers that are under way may take. */
const LAST_ANSWERS_MS = 2000
/** Above the 60 s after which load balancers hang up, so that they never meet a closed connection. */
const KEEP_ALIVE_MS = 72_000

/** Builds the HTTP side. It listens to nothing yet. */
export async function buildApp(domain: Domain, options: AppOptions): Promise<App> {
  const stamp = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.header('request-id', request.id).header('verdict-version', options.version).headers(SECURITY_HEADERS)
  }
  const app: App = Fastify({
    loggerInstance: quiet(options.log),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    clientErrorHandler: unreadableAnswer(options.version),
    requestIdHeader: false,
    bodyLimit: BODY_MAX_BYTES,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    trustProxy: options.trustProxy.length > 0 ? [...options.trustProxy] : false,
    routerOptions: { maxParamLength: 5000 },
    frameworkErrors: (error, request, reply) => {
      stamp(request, reply)
      answerError(error, request, reply)
    },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: true } },
  })
  // The schemas are the document and the check of what comes in; what goes out is typed by them already.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))

  let limits: RateLimits | undefined
  errorAnswers(app, () => limits as RateLimits)
  notFoundAnswers(app)
  app.addHook('onRequest', (request, reply, done) => {
    stamp(request, reply)
    done()
  })
  let closing = false
  app.addHook(
    'onResponse',
    ({ method, url, log, raw, routeOptions }, { statusCode: status, elapsedTime: ms }, done) => {
      log.debug({ method, url, status, ms: Math.round(ms) }, 'answered')
      options.onAnswer({ method, route: routeOptions.url ?? 'none', status, ms })
      if (closing) raw.socket.end()
      done()
    },
  )
  if (options.corsOrigins.length > 0) {
    await app.register(cors, { ...CORS, origin: [...options.corsOrigins] })
  }
  app.addHook('onRoute', (route) => {
    // The files of the reference page come from a library that does not know our rule.
    if (route.url.startsWith('/docs')) route.config = { access: 'public', ...route.config }
    if (route.method === 'OPTIONS') route.config = { access: 'public', ...route.config }
  })
  limits = await rateLimits(app, options.rates, domain.metering)
  authentication(app, domain.access, limits)
  auditedChanges(app, domain.audit)
  await openapi(app, options)

  oauthRoutes(app, { ...domain, limits })
  wellKnownRoutes(app, { ...domain, issuer: options.publicUrl, signIns: options.signIns })
  runRoutes(app, domain)
  runResultRoutes(app, domain)
  suiteRoutes(app, domain)
  archiveRoutes(app, { ...domain, maxBytes: options.archiveMaxBytes })
  keyRoutes(app, domain)
  userRoutes(app, domain)
  userKeyRoutes(app, domain)
  workspaceRoutes(app, domain)
  workerRoutes(app, domain)
  workRoutes(app, domain)
  memberRoutes(app, domain)
  auditRoutes(app, domain)
  callbackRoutes(app, domain)
  deliveryRoutes(app, domain)
  triggerRoutes(app, domain)
  triggerHookRoutes(app, domain)
  operationRoutes(app, { ...domain, ...options })

  // Held answers are given now, and their connections end with them: so the close takes milliseconds. A client that neither
  // sends on nor reads must not hold it up for long.
  app.addHook('preClose', async () => {
    closing = true
    domain.waiting.release()
    setTimeout(() => app.server.closeAllConnections(), LAST_ANSWERS_MS).unref()
  })
  return app
}

/** Fastify says at `info` where it listens; the entry file says it better, so that line is for debugging only. */
function quiet(log: FastifyBaseLogger): FastifyBaseLogger {
  const own = log.child({})
  own.info = own.debug.bind(own) as typeof own.info
  return own
}
