import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { OAuthProblem, Problem } from '../domain/problem.ts'
import type { App } from './http.ts'

/** How often a key may be exchanged and used, and an address may show what does not verify; all a minute. */
export interface Rates {
  readonly exchanges: number
  readonly calls: number
  readonly failures: number
}

export interface RateLimits {
  /** Counts an exchange of that key; throws `slow_down` above the limit. */
  exchange(request: FastifyRequest, reply: FastifyReply, key: string): Promise<void>
  /** Counts a credential that did not verify against its sender's address; true above the limit. Credentials that verify never come here. */
  failure(request: FastifyRequest, reply: FastifyReply): Promise<boolean>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What the limits count by. */
    rateKey: string
  }
}

/** Keys whose counters are kept at once: more than a busy server sees in a minute, and bounded. */
const COUNTERS = 50_000
const WINDOW_SECONDS = 60

/** Limits calls by key, after authentication, and tells the state of the limit on every answer (draft-ietf-httpapi-ratelimit-headers-10). */
export async function rateLimits(app: App, rates: Rates): Promise<RateLimits> {
  app.decorateRequest('rateKey', '')
  await app.register(rateLimit, {
    global: false,
    timeWindow: WINDOW_SECONDS * 1000,
    cache: COUNTERS,
    keyGenerator: (request) => request.rateKey,
  })
  const limiters = {
    exchanges: app.createRateLimit({ max: rates.exchanges }),
    calls: app.createRateLimit({ max: rates.calls }),
    failures: app.createRateLimit({ max: rates.failures, keyGenerator: (request) => request.ip }),
  }

  async function count(
    kind: keyof typeof limiters,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<number | undefined> {
    const state = await limiters[kind](request)
    if (state.isAllowed) return undefined
    reply.header('ratelimit-policy', `"${kind}";q=${rates[kind]};w=${WINDOW_SECONDS}`)
    reply.header('ratelimit', `"${kind}";r=${Math.max(0, state.remaining)};t=${state.ttlInSeconds}`)
    return state.isExceeded ? Math.max(1, state.ttlInSeconds) : undefined
  }

  app.addHook('onRequest', async (request, reply) => {
    if (request.caller === null) return
    request.rateKey = request.caller.key
    const retryAfter = await count('calls', request, reply)
    if (retryAfter !== undefined) {
      throw new Problem(
        'rate_limited',
        `The key made more than ${rates.calls} calls within a minute. Wait ${retryAfter} s.`,
        { retryAfter },
      )
    }
  })

  return {
    async exchange(request, reply, key) {
      request.rateKey = key
      const retryAfter = await count('exchanges', request, reply)
      if (retryAfter === undefined) return
      reply.header('retry-after', retryAfter)
      throw new OAuthProblem(
        'slow_down',
        `The key was exchanged more than ${rates.exchanges} times within a minute. Use a token until it ends, and wait ${retryAfter} s.`,
      )
    },
    async failure(request, reply) {
      const retryAfter = await count('failures', request, reply)
      if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
      return retryAfter !== undefined
    },
  }
}
