import type { FastifyRequest, onSendAsyncHookHandler, preSerializationAsyncHookHandler } from 'fastify'
import type { AuditAction } from '../../contract/audit-actions.ts'
import type { AuditTrail } from '../domain/audit-trail.ts'
import type { App } from './http.ts'

/**
 * What each changing route is called in the audit log. Null: not there, because what it makes says itself who made it (runs)
 * or is nothing yet (archives). A changing route without a line fails a test.
 */
export const AUDITED: Readonly<Record<string, AuditAction | null>> = {
  'POST /v1/keys': 'key.created',
  'PATCH /v1/keys/:id': 'key.changed',
  'DELETE /v1/keys/:id': 'key.revoked',
  'POST /v1/keys/:id/rotate': 'key.rotated',
  'POST /v1/users': 'user.created',
  'PUT /v1/users/by-external-id/:externalId': 'user.changed',
  'PATCH /v1/users/:id': 'user.changed',
  'DELETE /v1/users/:id': 'user.deleted',
  'POST /v1/users/:id/keys': 'key.created',
  'DELETE /v1/users/:id/keys': 'keys.revoked',
  'PATCH /v1/users/:id/keys/:keyId': 'key.changed',
  'DELETE /v1/users/:id/keys/:keyId': 'key.revoked',
  'POST /v1/users/:id/keys/:keyId/rotate': 'key.rotated',
  'POST /v1/workspaces': 'workspace.created',
  'PATCH /v1/workspaces/:id': 'workspace.renamed',
  'DELETE /v1/workspaces/:id': 'workspace.deleted',
  'PATCH /v1/workspaces/:id/members/:userId': 'member.changed',
  'DELETE /v1/workspaces/:id/members/:userId': 'member.removed',
  'POST /v1/workspaces/:id/invitations': 'invitation.created',
  'DELETE /v1/workspaces/:id/keys/:keyId': 'key.revoked',
  'PUT /v1/suites/:name': 'suite.pushed',
  'DELETE /v1/suites/:name': 'suite.deleted',
  'PUT /v1/suites/:name/secrets/:secret': 'secret.set',
  'DELETE /v1/suites/:name/secrets/:secret': 'secret.deleted',
  'POST /v1/callbacks': 'callback.created',
  'PATCH /v1/callbacks/:id': 'callback.changed',
  'DELETE /v1/callbacks/:id': 'callback.deleted',
  'POST /v1/callbacks/:id/rotate-secret': 'callback.secret_rotated',
  'POST /v1/callbacks/:id/test': null,
  'POST /v1/callback-secret/rotate': 'callback.secret_rotated',
  'POST /v1/deliveries/:id/redeliver': null,
  'POST /v1/triggers': 'trigger.created',
  'PATCH /v1/triggers/:id': 'trigger.changed',
  'DELETE /v1/triggers/:id': 'trigger.deleted',
  'POST /v1/triggers/:id/rotate-secret': 'trigger.secret_rotated',
  'POST /v1/workers': 'worker.created',
  'DELETE /v1/workers/:id': 'worker.deleted',
  ...Object.fromEntries(
    [
      'hello',
      'claim',
      ...['heartbeat', 'log', 'cases', 'finish', 'release'].map((verb) => `:run/:attempt/${verb}`),
    ].map((verb) => [`POST /v1/work/${verb}`, null]),
  ),
  'PUT /v1/work/:run/:attempt/artifacts/:path': null,
  'PUT /v1/archives/:sha256': null,
  'POST /triggers/:id': null,
  'POST /v1/runs': null,
  'POST /v1/runs/:id/cancel': null,
  'POST /v1/runs/:id/rerun': null,
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The id of what the answer shows, where it has one. */
    answeredId: string | null
  }
}

/** Notes every change that was made, before it is answered: an answer that says "done" is in the log. */
export function auditedChanges(app: App, audit: AuditTrail): void {
  app.decorateRequest('answeredId', null)

  const keepId: preSerializationAsyncHookHandler = async (request, _reply, payload) => {
    const id = (payload as { id?: unknown } | null)?.id
    if (typeof id === 'string') request.answeredId = id
    return payload
  }
  const note = (action: AuditAction): onSendAsyncHookHandler => {
    return async (request, reply, payload) => {
      if (!request.caller || reply.statusCode >= 400 || reply.hasHeader('idempotent-replayed')) return payload
      try {
        await audit.record(entryOf(request, action))
      } catch (error) {
        // The change is made, and telling of a failure would have it made again. The log has it then.
        request.log.error({ err: error, action, target: targetOf(request) }, 'a change is not in the audit log')
      }
      return payload
    }
  }
  // On those routes alone: all others go without.
  app.addHook('onRoute', (route) => {
    const action = AUDITED[`${route.method} ${route.url}`]
    if (!action) return
    route.preSerialization = [...[route.preSerialization ?? []].flat(), keepId]
    route.onSend = [...[route.onSend ?? []].flat(), note(action)]
  })
}

function entryOf(request: FastifyRequest, action: AuditAction) {
  const { caller, id: requestId } = request
  const { user, workspace, key: credential, address } = caller
  const outcome = 'done' as const
  return {
    action,
    outcome,
    workspace,
    user,
    credential,
    address,
    requestId,
    target: targetOf(request),
    detail: detailOf(request),
  }
}

/** What was changed: named by the address, else by the answer. */
function targetOf({ params, answeredId, method }: FastifyRequest): string | null {
  const { keyId, userId, id, name, secret } = params as Record<string, string | undefined>
  const named = keyId ?? userId ?? (secret === undefined ? (id ?? name) : `${name}/${secret}`)
  // What a POST made is what its answer shows, also below another thing's address.
  return (method === 'POST' ? (answeredId ?? named) : (named ?? answeredId)) ?? null
}

/** The names of fields that were sent, never their values: those could hold anything. Of a rotation, what it replaced. */
function detailOf({ params, body, method, routeOptions }: FastifyRequest): Record<string, string> {
  const { keyId, id } = params as Record<string, string | undefined>
  const fields = typeof body === 'object' && body !== null ? Object.keys(body).slice(0, 30).join(' ') : ''
  return {
    ...(routeOptions.url?.endsWith('/rotate') && method === 'POST' ? { replaces: keyId ?? id ?? '' } : {}),
    ...(fields === '' ? {} : { fields }),
  }
}
