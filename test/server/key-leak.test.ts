import { afterAll, beforeAll, expect, it } from 'vitest'
import { verify } from '../../contract/signature.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { startReceiver } from './delivery-world.ts'
import { newPerson, ownKey } from './people.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8' } })
})
afterAll(() => server?.stop())

const revoke = (token: string) =>
  server.request('POST', '/oauth/revoke', {
    token: null,
    body: new URLSearchParams({ token }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })

it('tells the callbacks of the workspace that a key was ended by who found it, once, signed, without the key', async () => {
  const [receiver, limited, otherwise] = [await startReceiver(), await startReceiver(), await startReceiver()]
  const scopes = ['callbacks:read', 'callbacks:write', 'keys:read', 'keys:write']
  const person = await newPerson(server, { scopes })
  const create = async (json: object) => {
    const made = await server.request('POST', '/v1/callbacks', { token: person.token, json })
    expect(made.status, made.text).toBe(201)
    return made.json
  }
  const { secret } = await create({ url: receiver.url })
  await create({ url: limited.url, branches: ['main'] })
  await create({ url: otherwise.url, events: ['key.expiring'] })
  const { key, id, start } = await ownKey(server, person, { name: 'leaked', scopes: ['keys:read'] })

  for (let n = 0; n < 2; n++) expect((await revoke(key)).status).toBe(200)

  await expect.poll(() => receiver.received.length).toBe(1)
  const { headers, body } = receiver.received[0]!
  const [webhookId, timestamp, signature] = ['id', 'timestamp', 'signature'].map(
    (name) => `${headers[`webhook-${name}`]}`,
  )
  await verify({ body, id: webhookId, timestamp, signature }, [secret], Date.now())
  const { revokedAt } = (await server.request('GET', `/v1/keys/${id}`, { token: person.token })).json
  expect(JSON.parse(body)).toEqual({
    type: 'key.revoked_by_holder',
    timestamp: revokedAt,
    data: { key: { id, name: 'leaked', user: person.user, start }, revokedAt, from: '127.0.0.1' },
  })
  expect(body).not.toContain(key)

  const { items } = (await server.request('GET', '/v1/deliveries', { token: person.token })).json
  expect(items.map(({ type }: { type: string }) => type)).toEqual(['key.revoked_by_holder'])
  expect([limited.received, otherwise.received]).toEqual([[], []])
})
