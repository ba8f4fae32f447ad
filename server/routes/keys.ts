import { Type } from 'typebox'
import { Key, KeyCreate, KeyPatch, NewKey } from '../../contract/keys.ts'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import type { Replays } from '../domain/idempotency.ts'
import type { Keys } from '../domain/keys.ts'
import { pageRequest } from '../domain/paging.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'
import { idempotencyKey, markReplayed } from './idempotency-key.ts'

const IdParams = Type.Object({ id: Type.String() })
const read = { access: ['keys:read'] as const }
const write = { access: ['keys:write'] as const }
const tags = ['keys']

/** The caller's own API keys. */
export function keyRoutes(app: App, { keys, replays }: { keys: Keys; replays: Replays }): void {
  app.post(
    '/v1/keys',
    {
      config: write,
      schema: {
        tags,
        summary: 'Make an API key; the answer alone shows it',
        body: KeyCreate,
        response: { 200: NewKey, 201: NewKey, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const made = await replays.once(
        request.caller,
        { key: idempotencyKey(request), meaning: ['POST /v1/keys', request.body], secret: true },
        async () => {
          const body = await keys.create(request.caller, request.body)
          return { body, secretOf: body.id }
        },
      )
      reply.code(201).header('cache-control', 'no-store')
      if (made.replayed) markReplayed(reply)
      return made.body
    },
  )
  app.get(
    '/v1/keys',
    {
      config: read,
      schema: {
        tags,
        summary: 'List your API keys',
        querystring: PageQuerystring,
        response: { 200: Page(Key), ...problemAnswers },
      },
    },
    (request) => keys.list(request.caller, pageRequest(request.query)),
  )
  app.get(
    '/v1/keys/:id',
    {
      config: read,
      schema: { tags, summary: 'An API key', params: IdParams, response: { 200: Key, ...problemAnswers } },
    },
    (request) => keys.get(request.caller, request.params.id),
  )
  app.patch(
    '/v1/keys/:id',
    {
      config: write,
      schema: {
        tags,
        summary: 'Change an API key',
        params: IdParams,
        body: KeyPatch,
        response: { 200: Key, ...problemAnswers },
      },
    },
    (request) => keys.update(request.caller, request.params.id, request.body),
  )
  app.delete(
    '/v1/keys/:id',
    {
      config: write,
      schema: {
        tags,
        summary: 'Revoke an API key',
        params: IdParams,
        response: { 204: emptyAnswer('Done'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      await keys.revoke(request.caller, request.params.id)
      return reply.code(204).send()
    },
  )
}
