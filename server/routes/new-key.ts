import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Replays } from '../domain/idempotency.ts'
import { idempotencyKey, markReplayed } from './idempotency-key.ts'

/** Answers with a key that `make` makes, the only time that it is shown; or again to a repeated request of the same meaning. */
export async function answerNewKey<B extends object>(
  replays: Replays,
  request: FastifyRequest,
  reply: FastifyReply,
  meaning: readonly unknown[],
  make: () => Promise<B>,
  keyOf: (body: B) => { readonly id: string },
): Promise<B> {
  const made = await replays.once(request.caller, { key: idempotencyKey(request), meaning, secret: true }, async () => {
    const body = await make()
    return { body, secretOf: keyOf(body).id }
  })
  reply.code(201).header('cache-control', 'no-store')
  if (made.replayed) markReplayed(reply)
  return made.body
}

export const itself = <B extends { readonly id: string }>(body: B): B => body
