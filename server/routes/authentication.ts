import type { FastifyRequest } from 'fastify'
import { SCOPES } from '../../contract/scopes.ts'
import type { Access } from '../domain/access.ts'
import type { Caller } from '../domain/caller.ts'
import { requireScope } from '../domain/caller.ts'
import type { App } from './http.ts'

/** What any token has but a worker's. */
const PEOPLES = SCOPES.filter((scope) => scope !== 'work')

/** Private by default: tells the caller of every route that does not call itself public. */
export function authentication(app: App, access: Access): void {
  app.decorateRequest('caller', null as unknown as Caller)
  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined)
      throw new Error(`The route ${route.method} ${route.url} does not say who may call it (config.access).`)
  })
  app.addHook('onRequest', async (request) => {
    if (isPrivate(request)) request.caller = await access.authenticate(request.headers.authorization, request.ip)
  })
}

/** Refuses callers without a scope of the route's. Comes after the limits: a refused call counts as any other. */
export function authorization(app: App): void {
  app.addHook('onRequest', async (request) => {
    const needed = request.routeOptions.config.access
    if (!isPrivate(request)) return
    if (Array.isArray(needed)) requireScope(request.caller, ...needed)
    // A worker's token is good for its work alone.
    else if (request.caller.kind === 'worker') requireScope(request.caller, ...PEOPLES)
  })
}

/** An address that is not there is nobody's secret: it is a 404 with and without a token. */
function isPrivate(request: FastifyRequest): boolean {
  return !request.is404 && request.routeOptions.config.access !== 'public'
}
