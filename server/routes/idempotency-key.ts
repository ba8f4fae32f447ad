import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../domain/problem.ts'

/** The `Idempotency-Key` of a request: 1–255 visible ASCII characters. Throws `invalid_request` for any other. */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new Problem('invalid_request', 'Idempotency-Key must be 1 to 255 visible ASCII characters, once.')
}

/** Says that the answer is that of an earlier request; its status is 200 then. */
export function markReplayed(reply: FastifyReply): FastifyReply {
  return reply.code(200).header('idempotent-replayed', 'true')
}
