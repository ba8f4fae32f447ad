import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, RawServerDefault } from 'fastify'
import { type TSchema, Type } from 'typebox'
import type { Scope } from '../../contract/scopes.ts'
import type { Caller } from '../domain/caller.ts'

/** The Fastify instance that routes are added to. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Who may call the route: `public`, anybody with a token (`any`), or a token with one of the scopes. Every route says so
     * itself; one that does not is refused when the server starts.
     */
    access?: 'public' | 'any' | readonly Scope[]
  }
  interface FastifyRequest {
    /** Set on every route that is not public, before its handler. */
    caller: Caller
  }
}

/** Aborts when the client leaves before its answer is whole. */
export function leaveSignal(reply: FastifyReply): AbortSignal {
  const left = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) left.abort()
  })
  return left.signal
}

/** What every route may answer besides, for OpenAPI. */
const problem = {
  description: 'What went wrong, and what to do (RFC 9457)',
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
}
export const problemAnswers = { '4xx': problem, '5xx': problem }

/** An answer of JSON that is described by hand, for OpenAPI. */
export const jsonOf = (schema: TSchema | { $ref: string }) => ({ content: { 'application/json': { schema } } })

/** An answer that is no JSON, for OpenAPI. */
export const answerOf = (contentType: string, description: string) => ({
  description,
  content: { [contentType]: { schema: { type: 'string' } } },
})

/** An answer without a body, for OpenAPI. */
export const emptyAnswer = (description: string) => Type.Unsafe<undefined>({ description, type: 'null' })
