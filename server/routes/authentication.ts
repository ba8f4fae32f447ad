import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { SCOPES, type Scope } from '../../contract/scopes.ts'
import type { Access } from '../domain/access.ts'
import type { Caller } from '../domain/caller.ts'
import { requireScope } from '../domain/caller.ts'
import type { App } from './http.ts'
import type { RateLimits } from './rate-limits.ts'

/** What any token has but a worker's. */
const PEOPLES = SCOPES.filter((scope) => scope !== 'work')

/**
 * Private by default: a route that does not call itself public knows its caller, counts against the key's limits and needs
 * its scope, in this order: a refused call counts as any other. Addresses that are not there are no routes: nobody's secret.
 */
export function authentication(app: App, access: Access, limits: RateLimits): void {
  app.decorateRequest('caller', null as unknown as Caller)
  const authenticate: onRequestAsyncHookHandler = async (request) => {
    request.caller = await access.authenticate(request.headers.authorization, request.ip)
  }
  const count: onRequestAsyncHookHandler = (request, reply) => limits.call(request, reply)
  app.addHook('onRoute', (route) => {
    const needed = route.config?.access
    if (needed === undefined)
      throw new Error(`The route ${route.method} ${route.url} does not say who may call it (config.access).`)
    if (needed === 'public') return
    const authorize: onRequestAsyncHookHandler = async (request) => requireAccess(request, needed)
    route.onRequest = [authenticate, count, authorize, ...[route.onRequest ?? []].flat()]
  })
}

function requireAccess({ caller }: FastifyRequest, needed: 'any' | readonly Scope[]): void {
  if (needed !== 'any') requireScope(caller, ...needed)
  // A worker's token is good for its work alone.
  else if (caller.kind === 'worker') requireScope(caller, ...PEOPLES)
}
