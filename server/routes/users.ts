import { Type } from 'typebox'
import { Me } from '../../contract/me.ts'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import { User, UserCreate, UserPatch } from '../../contract/users.ts'
import type { Caller } from '../domain/caller.ts'
import type { Replays } from '../domain/idempotency.ts'
import { pageRequest } from '../domain/paging.ts'
import { type Users, userView } from '../domain/users.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'
import { idempotencyKey, markReplayed } from './idempotency-key.ts'

const IdParams = Type.Object({ id: Type.String() })
const ExternalIdParams = Type.Object({ externalId: Type.String({ minLength: 1, maxLength: 255 }) })
const config = { access: ['users:write', 'members:write'] as const }
const tags = ['users']
const one = { 200: User, ...problemAnswers }

/** Who the caller is; users. */
export function userRoutes(
  app: App,
  { users, replays, me }: { users: Users; replays: Replays; me: (caller: Caller) => Promise<Me> },
): void {
  app.get(
    '/v1/me',
    { config: { access: 'any' }, schema: { tags, summary: 'Who you are', response: { 200: Me, ...problemAnswers } } },
    (request) => me(request.caller),
  )

  app.post(
    '/v1/users',
    { config, schema: { tags, summary: 'Make a user', body: UserCreate, response: { 201: User, ...one } } },
    async (request, reply) => {
      const make = async () => ({ body: await users.create(request.caller, request.body) })
      const meaning = ['POST /v1/users', request.body]
      const made = await replays.once(request.caller, { key: idempotencyKey(request), meaning, secret: false }, make)
      reply.code(201)
      if (made.replayed) markReplayed(reply)
      return made.body
    },
  )
  app.put(
    '/v1/users/by-external-id/:externalId',
    {
      config: { access: ['users:write'] },
      schema: {
        tags,
        summary: 'Make or change the person that your own system knows by this id',
        params: ExternalIdParams,
        body: UserPatch,
        response: { 201: User, ...one },
      },
    },
    async ({ params, body }, reply) => {
      const { user, made } = await users.upsert(params.externalId, body)
      reply.code(made ? 201 : 200)
      return user
    },
  )
  app.get(
    '/v1/users',
    {
      config,
      schema: {
        tags,
        summary: 'List users',
        querystring: PageQuerystring,
        response: { 200: Page(User), ...problemAnswers },
      },
    },
    (request) => users.list(request.caller, pageRequest(request.query)),
  )
  app.get(
    '/v1/users/:id',
    { config, schema: { tags, summary: 'A user', params: IdParams, response: one } },
    async ({ caller, params }) => userView(await users.managed(caller, params.id)),
  )
  app.patch(
    '/v1/users/:id',
    {
      config,
      schema: { tags, summary: 'Change, disable or enable a user', params: IdParams, body: UserPatch, response: one },
    },
    (request) => users.update(request.caller, request.params.id, request.body),
  )
  app.delete(
    '/v1/users/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Delete a user, their keys, and the workspaces that are theirs alone',
        params: IdParams,
        response: { 204: emptyAnswer('Done'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      await users.delete(request.caller, request.params.id)
      return reply.code(204).send()
    },
  )
}
