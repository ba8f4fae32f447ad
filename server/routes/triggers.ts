import { Type } from 'typebox'
import { NewSecret, SecretRotate } from '../../contract/callbacks.ts'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import { Run } from '../../contract/runs.ts'
import { NewTrigger, Trigger, TriggerCreate, TriggerPatch, TriggerSkipped } from '../../contract/triggers.ts'
import type { Replays } from '../domain/idempotency.ts'
import { pageRequest } from '../domain/paging.ts'
import type { TriggerHooks } from '../domain/trigger-hooks.ts'
import type { Triggers } from '../domain/triggers.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'
import { idempotencyKey, markReplayed } from './idempotency-key.ts'

const params = Type.Object({ id: Type.String() })
const read = { access: ['triggers:read'] as const }
const write = { access: ['triggers:write'] as const }
const tags = ['triggers']
const WEBHOOK_MAX_BYTES = 1024 * 1024

/** Triggers, as their users see them. */
export function triggerRoutes(app: App, { triggers, replays }: { triggers: Triggers; replays: Replays }): void {
  app.post(
    '/v1/triggers',
    {
      config: write,
      schema: {
        tags,
        summary: 'Make a trigger; the answer alone shows its secret',
        body: TriggerCreate,
        response: { 200: NewTrigger, 201: NewTrigger, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const made = await replays.once(
        request.caller,
        { key: idempotencyKey(request), meaning: ['POST /v1/triggers', request.body], secret: true },
        async () => {
          const body = await triggers.create(request.caller, request.body)
          return { body, secretOf: body.id }
        },
      )
      reply.code(201).header('cache-control', 'no-store')
      if (made.replayed) markReplayed(reply)
      return made.body
    },
  )
  app.get(
    '/v1/triggers',
    {
      config: read,
      schema: {
        tags,
        summary: 'List triggers',
        querystring: PageQuerystring,
        response: { 200: Page(Trigger), ...problemAnswers },
      },
    },
    (request) => triggers.list(request.caller, pageRequest(request.query)),
  )
  app.get(
    '/v1/triggers/:id',
    { config: read, schema: { tags, summary: 'A trigger', params, response: { 200: Trigger, ...problemAnswers } } },
    (request) => triggers.get(request.caller, request.params.id),
  )
  app.patch(
    '/v1/triggers/:id',
    {
      config: write,
      schema: {
        tags,
        summary: 'Change a trigger',
        params,
        body: TriggerPatch,
        response: { 200: Trigger, ...problemAnswers },
      },
    },
    (request) => triggers.update(request.caller, request.params.id, request.body),
  )
  app.delete(
    '/v1/triggers/:id',
    {
      config: write,
      schema: { tags, summary: 'Delete a trigger', params, response: { 204: emptyAnswer('Done'), ...problemAnswers } },
    },
    async (request, reply) => {
      await triggers.delete(request.caller, request.params.id)
      return reply.code(204).send()
    },
  )
  app.post(
    '/v1/triggers/:id/rotate-secret',
    {
      config: write,
      schema: {
        tags,
        summary: 'A new secret; the old one is taken beside it for a while',
        params,
        body: Type.Union([SecretRotate, Type.Null()]),
        response: { 200: NewSecret, ...problemAnswers },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return triggers.rotate(request.caller, request.params.id, request.body ?? {})
    },
  )
}

/** Where webhooks arrive: no token, but a signature over the body as it came. */
export function triggerHookRoutes(app: App, { triggerHooks }: { triggerHooks: TriggerHooks }): void {
  app.register(async (hooks: App) => {
    hooks.removeAllContentTypeParsers()
    hooks.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    hooks.post(
      '/triggers/:id',
      {
        config: { access: 'public' },
        bodyLimit: WEBHOOK_MAX_BYTES,
        schema: {
          tags,
          summary: "Another system's webhook: 202 with the run, or 200 and why there is none",
          params,
          response: { 200: Type.Union([Run, TriggerSkipped]), 202: Run, ...problemAnswers },
        },
      },
      async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        const answer = await triggerHooks.receive(request.params.id, { headers: request.headers, body })
        if ('skipped' in answer) return reply.code(200).send(answer)
        reply.code(202).header('location', `/v1/runs/${answer.run.id}`)
        if (answer.replayed) markReplayed(reply)
        return answer.run
      },
    )
  })
}
