import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MovableClock } from '../support/clock.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, type Person } from './people.ts'

const clock = new MovableClock(Date.now())
let server: TestServer
let person: Person
let other: Person
beforeAll(async () => {
  server = await startServer({
    clock,
    env: {
      VERDICT_RUNNER: 'none',
      VERDICT_RATE_EXCHANGES: '4',
      VERDICT_RATE_CALLS: '10',
      VERDICT_TRUST_PROXY: '127.0.0.1/32',
    },
  })
  person = await newPerson(server)
  other = await newPerson(server)
})
afterAll(() => server?.stop())
const from = (address: string) => ({ 'x-forwarded-for': address })

describe('calls of a key', () => {
  it('are told with every answer, and refused above the limit', async () => {
    const call = (path = '/v1/me') => server.request('GET', path, { token: person.token })
    const first = await call()
    expect(first.headers.get('ratelimit-policy')).toBe('"calls";q=10;w=60')
    expect(first.headers.get('ratelimit')).toMatch(/^"calls";r=9;t=\d+$/)
    const missing = await call('/v1/runs/x')
    expect(missing.headers.get('ratelimit')).toMatch(/^"calls";r=8;t=\d+$/)
    const forbidden = await call('/metrics')
    expect([forbidden.status, forbidden.headers.get('ratelimit')]).toEqual([403, expect.stringMatching(/r=7/)])
    for (let i = 0; i < 7; i++) expect((await call()).status).toBe(200)
    const refused = await call()
    expect([refused.status, refused.json.code]).toEqual([429, 'rate_limited'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('ratelimit')).toMatch(/r=0/)
  })

  it('are counted for each key alone, from whatever address', async () => {
    expect((await server.request('GET', '/v1/me', { token: other.token })).status).toBe(200)
  })
})

describe('exchanges of a key', () => {
  it('are told, and refused above the limit', async () => {
    const answers = []
    for (let i = 0; i < 5; i++) answers.push(await server.exchange(exchangeForm(other.key)))
    expect(answers[0]!.headers.get('ratelimit-policy')).toBe('"exchanges";q=4;w=60')
    // One exchange made the person's first token.
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429])
    expect(answers[4]!.json.error).toBe('slow_down')
    expect(Number(answers[4]!.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('credentials that do not verify', () => {
  it('are counted by their address, and good ones from there are not refused', async () => {
    const headers = from('192.0.2.1')
    const answers = []
    for (let i = 0; i < 31; i++) answers.push(await server.exchange(exchangeForm(`x${i}`), headers))
    expect(answers.slice(0, 30).every(({ status }) => status === 400)).toBe(true)
    expect([answers[30]!.status, answers[30]!.json.error]).toEqual([429, 'slow_down'])
    expect(Number(answers[30]!.headers.get('retry-after'))).toBeGreaterThan(0)

    const bearer = await server.request('GET', '/v1/me', { token: 'nonsense', headers })
    expect([bearer.status, bearer.json.code]).toEqual([429, 'rate_limited'])
    expect(Number(bearer.headers.get('retry-after'))).toBeGreaterThan(0)

    expect((await server.exchange(exchangeForm(server.key), headers)).status).toBe(200)
    expect((await server.request('GET', '/v1/me', { token: other.token, headers })).status).toBe(200)
    expect((await server.exchange(exchangeForm('x'), from('192.0.2.2'))).status).toBe(400)
  })

  it('are not those that merely ended: a revoked key always gets its 400, an expired token its 401', async () => {
    const headers = from('192.0.2.3')
    const brief = await newPerson(server)
    await server.request('POST', '/oauth/revoke', {
      token: null,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token: brief.key }).toString(),
    })
    for (let i = 0; i < 31; i++) {
      expect((await server.exchange(exchangeForm(brief.key), headers)).status).toBe(400)
      expect((await server.request('GET', '/v1/me', { token: brief.token, headers })).status).toBe(401)
    }
    clock.advance(3_600_000)
    for (let i = 0; i < 31; i++) {
      expect((await server.request('GET', '/v1/me', { token: other.token, headers })).status).toBe(401)
    }
  })

  it('come from the connection’s own address where no proxy is trusted', async () => {
    const plain = await startServer({ env: { VERDICT_RUNNER: 'none' } })
    const statuses = []
    for (let i = 0; i < 31; i++) {
      statuses.push((await plain.exchange(exchangeForm('x'), from(`192.0.2.${i}`))).status)
    }
    expect(statuses.at(-1)).toBe(429)
    await plain.stop()
  })
})
