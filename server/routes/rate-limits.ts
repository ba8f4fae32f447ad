import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { credentialOf } from '../domain/caller.ts'
import type { Metering } from '../domain/metering.ts'
import { OAuthProblem, Problem } from '../domain/problem.ts'
import type { App } from './http.ts'

/** How often a key may be exchanged and used, and an address may show what does not verify; all a minute. */
export interface Rates {
  readonly exchanges: number
  readonly calls: number
  readonly failures: number
}

export interface RateLimits {
  /** Counts a call of the request's caller; throws `rate_limited` above the key's limit of a minute or a day. */
  call(request: FastifyRequest, reply: FastifyReply): Promise<void>
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

/** Limits by key and by address. The state of a limit is told on every answer (draft-ietf-httpapi-ratelimit-headers-10). */
export async function rateLimits(app: App, rates: Rates, metering: Metering): Promise<RateLimits> {
  app.decorateRequest('rateKey', '')
  await app.register(rateLimit, {
    global: false,
    timeWindow: WINDOW_SECONDS * 1000,
    cache: COUNTERS,
    keyGenerator: (request) => request.rateKey,
  })
  const limiters = {
    exchanges: app.createRateLimit({ max: rates.exchanges }),
    calls: app.createRateLimit({
      // A key may have a limit of its own, which only narrows the server's.
      max: ({ caller }) => Math.min(rates.calls, caller.limits?.perMinute ?? rates.calls),
    }),
    failures: app.createRateLimit({ max: rates.failures, keyGenerator: (request) => request.ip }),
  }

  async function count(
    kind: keyof typeof limiters,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<number | undefined> {
    const state = await limiters[kind](request)
    if (state.isAllowed) return undefined
    reply.header('ratelimit-policy', `"${kind}";q=${state.max};w=${WINDOW_SECONDS}`)
    reply.header('ratelimit', `"${kind}";r=${Math.max(0, state.remaining)};t=${state.ttlInSeconds}`)
    return state.isExceeded ? Math.max(1, state.ttlInSeconds) : undefined
  }

  /** The key's own limit of a day, where it has one: beside that of a minute in the same headers. */
  async function countDay(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const most = request.caller.limits?.perDay ?? null
    if (most === null) return
    const { calls, secondsLeft } = await metering.today(request.caller)
    const left = Math.max(0, most - calls - 1)
    reply.header('ratelimit-policy', `${reply.getHeader('ratelimit-policy')}, "day";q=${most};w=86400`)
    reply.header('ratelimit', `${reply.getHeader('ratelimit')}, "day";r=${left};t=${secondsLeft}`)
    if (calls < most) return
    const detail = `The key made the ${most} calls that it may make in a day (UTC). Wait until midnight, or ask its owner for more.`
    throw new Problem('rate_limited', detail, { retryAfter: secondsLeft })
  }

  return {
    async call(request, reply) {
      // Workers' calls are not counted (wire 2): what they ask for is given by leases.
      if (request.caller.kind === 'worker') return
      request.rateKey = credentialOf(request.caller)
      const retryAfter = await count('calls', request, reply)
      if (retryAfter !== undefined) {
        const most = Math.min(rates.calls, request.caller.limits?.perMinute ?? rates.calls)
        const detail = `The key made more than ${most} calls within a minute. Wait ${retryAfter} s.`
        throw new Problem('rate_limited', detail, { retryAfter })
      }
      await countDay(request, reply)
      metering.call(request.caller)
    },
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
