import { afterAll, beforeAll, expect, it } from 'vitest'
import { verify } from '../../contract/signature.ts'
import { MovableClock } from '../support/clock.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startReceiver } from './delivery-world.ts'
import { newPerson, ownKey } from './people.ts'

const DAY = 86_400_000
/** Longer than the server waits before it looks for such keys again. */
const LOOKED_AGAIN = 11 * 60_000
const clock = new MovableClock(Date.now())
let server: TestServer
beforeAll(async () => {
  const env = { VERDICT_RUNNER: 'none', VERDICT_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8', VERDICT_KEY_MAX_DAYS: '3660' }
  server = await startServer({ clock, env })
})
afterAll(() => server?.stop())

it('tells a callback of a key that ends in 30, 7 and 1 days, once each, signed, and never of its secret', async () => {
  const receiver = await startReceiver()
  const scopes = ['callbacks:read', 'callbacks:write', 'keys:read', 'keys:write']
  const inDays = (days: number) => new Date(clock.now() + days * DAY).toISOString()
  const person = await newPerson(server, { scopes, expiresAt: inDays(3650) })
  const made = await server.request('POST', '/v1/callbacks', {
    token: person.token,
    json: { url: receiver.url, events: ['key.expiring'] },
  })
  expect(made.status, made.text).toBe(201)
  const { key, id, expiresAt } = await ownKey(server, person, {
    name: 'nightly',
    expiresAt: inDays(60),
    scopes: ['keys:read'],
  })
  /** As a receiver must: what comes twice has the same id. */
  const told = () => [
    ...new Map(receiver.received.map(({ headers, body }) => [headers['webhook-id'], JSON.parse(body)])).values(),
  ]

  let seen = 0
  for (const [ahead, days] of [
    [30, 30],
    [10, undefined],
    [13, 7],
    [6, 1],
  ] as const) {
    clock.jump(ahead * DAY)
    clock.advance(LOOKED_AGAIN)
    if (days === undefined) continue
    seen++
    const looked = () => {
      clock.advance(1001)
      return told().length
    }
    await expect.poll(looked, { interval: 300, timeout: 15_000 }).toBe(seen)
    expect(told().at(-1)).toMatchObject({
      type: 'key.expiring',
      data: { key: { id, name: 'nightly' }, expiresAt, days },
    })
    const { headers, body } = receiver.received.at(-1)!
    const [webhookId, timestamp, signature] = ['id', 'timestamp', 'signature'].map(
      (name) => `${headers[`webhook-${name}`]}`,
    )
    await verify({ body, id: webhookId, timestamp, signature }, [made.json.secret], clock.now())
    expect(body).not.toContain(key)
  }
  const fresh = await server.token(undefined, person.key)
  const { items } = (await server.request('GET', '/v1/deliveries', { token: fresh })).json
  expect(items.map(({ type, state }: Record<string, string>) => [type, state])).toEqual(
    Array.from({ length: 3 }, () => ['key.expiring', 'delivered']),
  )
})
