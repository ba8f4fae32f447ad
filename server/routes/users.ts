import { Type } from 'typebox'
import { Key, KeyCreate, NewKey } from '../../contract/keys.ts'
import { Me } from '../../contract/me.ts'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import { User, UserCreate } from '../../contract/users.ts'
import type { Caller } from '../domain/caller.ts'
import type { Replays } from '../domain/idempotency.ts'
import type { Keys } from '../domain/keys.ts'
import { pageRequest } from '../domain/paging.ts'
import type { Users } from '../domain/users.ts'
import { type App, problemAnswers } from './http.ts'
import { idempotencyKey, markReplayed } from './idempotency-key.ts'

const IdParams = Type.Object({ id: Type.String() })
const config = { access: ['users:write', 'members:write'] as const }
const tags = ['users']

/** Who the caller is; users, and keys on their behalf. */
export function userRoutes(
  app: App,
  { users, keys, replays, me }: { users: Users; keys: Keys; replays: Replays; me: (caller: Caller) => Promise<Me> },
): void {
  app.get(
    '/v1/me',
    { config: { access: 'any' }, schema: { tags, summary: 'Who you are', response: { 200: Me, ...problemAnswers } } },
    (request) => me(request.caller),
  )

  app.post(
    '/v1/users',
    {
      config,
      schema: { tags, summary: 'Make a user', body: UserCreate, response: { 200: User, 201: User, ...problemAnswers } },
    },
    async (request, reply) => {
      const make = async () => ({ body: await users.create(request.caller, request.body) })
      const meaning = ['POST /v1/users', request.body]
      const made = await replays.once(request.caller, { key: idempotencyKey(request), meaning, secret: false }, make)
      reply.code(201)
      if (made.replayed) markReplayed(reply)
      return made.body
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
  app.post(
    '/v1/users/:id/keys',
    {
      config,
      schema: {
        tags,
        summary: "Make an API key on a user's behalf",
        params: IdParams,
        body: KeyCreate,
        response: { 200: NewKey, 201: NewKey, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const made = await replays.once(
        request.caller,
        {
          key: idempotencyKey(request),
          meaning: ['POST /v1/users/keys', request.params.id, request.body],
          secret: true,
        },
        async () => {
          const body = await keys.createFor(
            request.caller,
            await users.managed(request.caller, request.params.id),
            request.body,
          )
          return { body, secretOf: body.id }
        },
      )
      reply.code(201).header('cache-control', 'no-store')
      if (made.replayed) markReplayed(reply)
      return made.body
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
}
