import { Readable } from 'node:stream'
import { AuditEvent, AuditQuery } from '../../contract/audit.ts'
import { Page } from '../../contract/pages.ts'
import { Usage, UsageQuery } from '../../contract/usage.ts'
import type { AuditTrail } from '../domain/audit-trail.ts'
import { pageRequest } from '../domain/paging.ts'
import type { usageReport } from '../domain/usage.ts'
import { type App, problemAnswers } from './http.ts'

const tags = ['audit']

/** What was done, and how much. */
export function auditRoutes(
  app: App,
  { audit, usage }: { audit: AuditTrail; usage: ReturnType<typeof usageReport> },
): void {
  app.get(
    '/v1/audit',
    {
      config: { access: ['audit:read'] },
      schema: {
        tags,
        summary: 'What was done: of the workspace, or with the scope admin of the whole server',
        querystring: AuditQuery,
        response: { 200: Page(AuditEvent), ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { user, key: credential, action, since, until, format, ...page } = request.query
      const filter = {
        ...(user === undefined ? {} : { user }),
        ...(credential === undefined ? {} : { credential }),
        ...(action === undefined ? {} : { action }),
        ...(since === undefined ? {} : { since: Date.parse(since) }),
        ...(until === undefined ? {} : { until: Date.parse(until) }),
      }
      if (format !== 'jsonl') return audit.list(request.caller, filter, pageRequest(page))
      reply.type('application/jsonl; charset=utf-8')
      return reply.send(Readable.from(lines(audit.all(request.caller, filter)))) as never
    },
  )
  app.get(
    '/v1/usage',
    {
      config: { access: ['users:write', 'keys:read'] },
      schema: {
        tags,
        summary: 'What users did, by day: everybody with users:write, else you',
        querystring: UsageQuery,
        response: { 200: Page(Usage), ...problemAnswers },
      },
    },
    (request) => {
      const { limit, cursor, ...filter } = request.query
      return usage(request.caller, filter, pageRequest(limit === undefined ? {} : { limit }).limit, cursor)
    },
  )
}

async function* lines(events: AsyncIterable<AuditEvent>): AsyncIterable<string> {
  for await (const event of events) yield `${JSON.stringify(event)}\n`
}
