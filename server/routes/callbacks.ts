import { Type } from 'typebox'
import {
  Callback,
  CallbackCreate,
  CallbackPatch,
  NewCallback,
  NewSecret,
  SecretRotate,
} from '../../contract/callbacks.ts'
import { Delivery } from '../../contract/deliveries.ts'
import { Page, PageQuerystring } from '../../contract/pages.ts'
import type { Callbacks } from '../domain/callbacks.ts'
import type { Replays } from '../domain/idempotency.ts'
import { pageRequest } from '../domain/paging.ts'
import { type App, emptyAnswer, problemAnswers } from './http.ts'
import { idempotencyKey, markReplayed } from './idempotency-key.ts'

const params = Type.Object({ id: Type.String() })
const read = { access: ['callbacks:read'] as const }
const write = { access: ['callbacks:write'] as const }
const tags = ['callbacks']
const rotation = Type.Union([SecretRotate, Type.Null()])

/** Addresses that are told what happens, and the secrets that sign it. */
export function callbackRoutes(app: App, { callbacks, replays }: { callbacks: Callbacks; replays: Replays }): void {
  app.post(
    '/v1/callbacks',
    {
      config: write,
      schema: {
        tags,
        summary: 'Make a callback; the answer alone shows its secret',
        body: CallbackCreate,
        response: { 200: NewCallback, 201: NewCallback, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const made = await replays.once(
        request.caller,
        { key: idempotencyKey(request), meaning: ['POST /v1/callbacks', request.body], secret: true },
        async () => {
          const body = await callbacks.create(request.caller, request.body)
          return { body, secretOf: body.id }
        },
      )
      reply.code(201).header('cache-control', 'no-store')
      if (made.replayed) markReplayed(reply)
      return made.body
    },
  )
  app.get(
    '/v1/callbacks',
    {
      config: read,
      schema: {
        tags,
        summary: 'List callbacks',
        querystring: PageQuerystring,
        response: { 200: Page(Callback), ...problemAnswers },
      },
    },
    (request) => callbacks.list(request.caller, pageRequest(request.query)),
  )
  app.get(
    '/v1/callbacks/:id',
    { config: read, schema: { tags, summary: 'A callback', params, response: { 200: Callback, ...problemAnswers } } },
    (request) => callbacks.get(request.caller, request.params.id),
  )
  app.patch(
    '/v1/callbacks/:id',
    {
      config: write,
      schema: {
        tags,
        summary: 'Change a callback, disable it, or take it into use again',
        params,
        body: CallbackPatch,
        response: { 200: Callback, ...problemAnswers },
      },
    },
    (request) => callbacks.update(request.caller, request.params.id, request.body),
  )
  app.delete(
    '/v1/callbacks/:id',
    {
      config: write,
      schema: {
        tags,
        summary: 'Delete a callback',
        params,
        response: { 204: emptyAnswer('Done'), ...problemAnswers },
      },
    },
    async (request, reply) => {
      await callbacks.delete(request.caller, request.params.id)
      return reply.code(204).send()
    },
  )
  app.post(
    '/v1/callbacks/:id/rotate-secret',
    {
      config: write,
      schema: {
        tags,
        summary: 'A new secret; the old one signs beside it for a while',
        params,
        body: rotation,
        response: { 200: NewSecret, ...problemAnswers },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return callbacks.rotate(request.caller, request.params.id, request.body ?? {})
    },
  )
  app.post(
    '/v1/callbacks/:id/test',
    {
      config: write,
      schema: { tags, summary: 'Send a test event', params, response: { 202: Delivery, ...problemAnswers } },
    },
    async (request, reply) => reply.code(202).send(await callbacks.test(request.caller, request.params.id)),
  )
  app.post(
    '/v1/callback-secret/rotate',
    {
      config: write,
      schema: {
        tags,
        summary: 'A new secret for the callbackUrl of runs',
        body: rotation,
        response: { 200: NewSecret, ...problemAnswers },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return callbacks.rotateWorkspaceSecret(request.caller, request.body ?? {})
    },
  )
}
