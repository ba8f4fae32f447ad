import { Type } from 'typebox'
import { Key, KeyCreate, KeyPatch, KeyRotate, NewKey } from '../../contract/keys.ts'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import type { Replays } from '../domain/idempotency.ts'
import { keyView } from '../domain/key-view.ts'
import type { Keys } from '../domain/keys.ts'
import { pageRequest } from '../domain/paging.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'
import { answerNewKey, itself } from './new-key.ts'

const IdParams = Type.Object({ id: Type.String() })
const read = { access: ['keys:read'] as const }
const write = { access: ['keys:write'] as const }
const tags = ['keys']
const shown = { 200: NewKey, 201: NewKey, ...problemAnswers }

/** The caller's own API keys. */
export function keyRoutes(app: App, { keys, replays }: { keys: Keys; replays: Replays }): void {
  app.post(
    '/v1/keys',
    {
      config: write,
      schema: { tags, summary: 'Make an API key; the answer alone shows it', body: KeyCreate, response: shown },
    },
    (request, reply) => {
      const make = () => keys.create(request.caller, request.body)
      return answerNewKey(replays, request, reply, ['POST /v1/keys', request.body], make, itself)
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
    async ({ caller, params }) => keyView(await keys.own(caller, params.id)),
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
    async ({ caller, params, body }) => keys.update(caller, await keys.own(caller, params.id), body),
  )
  app.post(
    '/v1/keys/:id/rotate',
    {
      config: write,
      schema: {
        tags,
        summary: 'Replace an API key by a new one; the answer alone shows it',
        params: IdParams,
        body: KeyRotate,
        response: shown,
      },
    },
    (request, reply) => {
      const { caller, params, body } = request
      const make = async () => keys.rotate(caller, await keys.own(caller, params.id), body)
      return answerNewKey(replays, request, reply, ['POST /v1/keys/rotate', params.id, body], make, itself)
    },
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
      await keys.revoke(await keys.own(request.caller, request.params.id))
      return reply.code(204).send()
    },
  )
}
