import { randomUUID } from 'node:crypto'
import { systemClock } from '../server/clock.ts'
import { revocationMemory } from '../server/domain/revocation.ts'
import type { AccessChange } from '../server/store/ports/revocations.ts'
import type { Store } from '../server/store/ports/store.ts'
import { apiCaller, exchangeForm, FORM } from './api.ts'
import { startServer } from './processes.ts'
import type { Row } from './table.ts'

/** Far more than a node remembers: what changed in the last half hour. */
const REMEMBERED = 100_000
const LOOKS = 1_000_000
const CALLS = 1_000
const TTL_MS = 15 * 60_000

/** What it costs a request to know what was revoked, beside the ways that were not taken (docs/decisions/0004). */
export async function revocation(): Promise<Row[]> {
  return [...(await inMemory()), ...(await byRequest())]
}

async function inMemory(): Promise<Row[]> {
  const changedAt = Date.now()
  const change = (_: unknown, n: number): AccessChange => {
    const free = { expiresAt: null, allowedIps: null, limits: null }
    return { kind: 'key', id: `key_${n}`, name: 'ci', revoked: true, ...free, changedAt }
  }
  const changedSince = async () => Array.from({ length: REMEMBERED }, change)
  // Only what the memory asks of a store.
  const store = { now: async () => Date.now(), revocations: { changedSince } } as unknown as Store
  const before = process.memoryUsage().heapUsed
  const memory = revocationMemory({ store, clock: systemClock, tokenTtlMs: TTL_MS })
  await memory.refresh()
  const megabytes = (process.memoryUsage().heapUsed - before) / 1e6
  const claims = { jti: randomUUID(), client_id: 'key_x', sub: 'usr_x', workspace: 'wsp_x' }
  const start = performance.now()
  let refused = 0
  for (let n = 0; n < LOOKS; n++) if (memory.refusal(claims) !== undefined) refused++
  const nanoseconds = ((performance.now() - start) * 1e6) / LOOKS
  if (refused > 0) throw new Error('a good token was refused')
  const what = `to judge a token by memory, with ${REMEMBERED} changes in it`
  return [
    {
      what,
      figure: `${nanoseconds.toFixed(0)} ns, ${megabytes.toFixed(0)} MB`,
      goal: '≤ 10,000 ns',
      met: nanoseconds <= 1e4,
    },
  ]
}

/** One after the other over loopback, as a service pays it that asks for each of its own requests. */
async function byRequest(): Promise<Row[]> {
  const server = await startServer({ VERDICT_RUNNER: 'none' })
  try {
    const { token } = await apiCaller(server)
    const row = async (what: string, path: string, body: string, headers = {}): Promise<Row> => {
      const start = performance.now()
      for (let n = 0; n < CALLS; n++) {
        const answer = await fetch(server.url + path, { method: 'POST', headers: { ...FORM, ...headers }, body })
        if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
        await answer.arrayBuffer()
      }
      return { what, figure: `${((performance.now() - start) / CALLS).toFixed(2)} ms`, goal: 'for comparison' }
    }
    const authorization = { authorization: `Bearer ${token}` }
    return [
      await row('to ask POST /oauth/introspect instead', '/oauth/introspect', `token=${token}`, authorization),
      await row('to exchange a key again, as tokens of a shorter life need', '/oauth/token', exchangeForm(server.key)),
    ]
  } finally {
    await server.stop()
  }
}
