import { Type } from 'typebox'
import { Key, KeyCreate, KeyPatch, KeyRotate, NewKey } from '../../contract/keys.ts'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import type { Replays } from '../domain/idempotency.ts'
import type { Keys } from '../domain/keys.ts'
import { pageRequest } from '../domain/paging.ts'
import type { Users } from '../domain/users.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'
import { answerNewKey, itself } from './new-key.ts'

const IdParams = Type.Object({ id: Type.String() })
const KeyParams = Type.Object({ id: Type.String(), keyId: Type.String() })
const config = { access: ['users:write', 'members:write'] as const }
const tags = ['users']
const shown = { 200: NewKey, 201: NewKey, ...problemAnswers }
const done = { 204: emptyAnswer('Done'), ...problemAnswers }

/** Keys on users' behalf. */
export function userKeyRoutes(
  app: App,
  { users, keys, replays }: { users: Users; keys: Keys; replays: Replays },
): void {
  app.post(
    '/v1/users/:id/keys',
    {
      config,
      schema: {
        tags,
        summary: "Make an API key on a user's behalf",
        params: IdParams,
        body: KeyCreate,
        response: shown,
      },
    },
    (request, reply) => {
      const { caller, params, body } = request
      const make = async () => keys.createFor(caller, await users.managed(caller, params.id), body)
      return answerNewKey(replays, request, reply, ['POST /v1/users/keys', params.id, body], make, itself)
    },
  )
  app.get(
    '/v1/users/:id/keys',
    {
      config,
      schema: {
        tags,
        summary: "List a user's API keys",
        params: IdParams,
        querystring: PageQuerystring,
        response: { 200: Page(Key), ...problemAnswers },
      },
    },
    async (request) => keys.listOf(await users.managed(request.caller, request.params.id), pageRequest(request.query)),
  )
  app.delete(
    '/v1/users/:id/keys',
    { config, schema: { tags, summary: "Revoke all of a user's API keys", params: IdParams, response: done } },
    async ({ caller, params }, reply) => {
      await keys.revokeAll({ user: (await users.managed(caller, params.id)).id })
      return reply.code(204).send()
    },
  )
  app.patch(
    '/v1/users/:id/keys/:keyId',
    {
      config,
      schema: {
        tags,
        summary: "Change a user's API key",
        params: KeyParams,
        body: KeyPatch,
        response: { 200: Key, ...problemAnswers },
      },
    },
    async ({ caller, params, body }) =>
      keys.update(caller, await keys.of(await users.managed(caller, params.id), params.keyId), body),
  )
  app.post(
    '/v1/users/:id/keys/:keyId/rotate',
    {
      config,
      schema: {
        tags,
        summary: "Replace a user's API key by a new one",
        params: KeyParams,
        body: KeyRotate,
        response: shown,
      },
    },
    (request, reply) => {
      const { caller, params, body } = request
      const make = async () =>
        keys.rotate(caller, await keys.of(await users.managed(caller, params.id), params.keyId), body)
      return answerNewKey(replays, request, reply, ['POST /v1/users/keys/rotate', params, body], make, itself)
    },
  )
  app.delete(
    '/v1/users/:id/keys/:keyId',
    { config, schema: { tags, summary: "Revoke a user's API key", params: KeyParams, response: done } },
    async ({ caller, params }, reply) => {
      await keys.revoke(await keys.of(await users.managed(caller, params.id), params.keyId))
      return reply.code(204).send()
    },
  )
}
