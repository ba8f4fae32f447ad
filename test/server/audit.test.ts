import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeApiKey } from '../../contract/api-key.ts'
import type { AuditEvent } from '../../contract/audit.ts'
import { AUDITED } from '../../server/routes/audited.ts'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey } from './people.ts'

let server: TestServer
beforeAll(async () => {
  const env = { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000', VERDICT_TRUST_PROXY: '127.0.0.1/32' }
  server = await startServer({ env })
})
afterAll(() => server?.stop())

const audit = async (query = '', token?: string): Promise<AuditEvent[]> =>
  (await server.request('GET', `/v1/audit?limit=200${query}`, token === undefined ? {} : { token })).json.items

describe('the audit log', () => {
  it('has every changing route in its table, and no other', async () => {
    const { json } = await server.request('GET', '/openapi.json', { token: null })
    const routes = Object.entries(json.paths as Record<string, Record<string, unknown>>).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    )
    const changing = routes.filter((route) => /^(POST|PUT|PATCH|DELETE) \/v1\//.test(route))
    // It says itself who came in.
    const bySelf = ['POST /v1/invitations/accept']
    expect(changing.filter((route) => !(route in AUDITED) && !bySelf.includes(route))).toEqual([])
  })

  it('says who changed what, with which credential, from where, in which request', async () => {
    const person = await newPerson(server)
    const headers = { 'x-forwarded-for': '198.51.100.7' }
    const made = await server.request('POST', '/v1/keys', {
      token: person.token,
      headers,
      json: { name: 'x', scopes: ['runs:read'] },
    })
    const [event] = await audit(`&user=${person.user}&action=key.created`)
    expect(event).toEqual({
      id: expect.stringMatching(/^aud_/),
      createdAt: expect.any(String),
      action: 'key.created',
      outcome: 'done',
      workspace: person.workspace,
      user: person.user,
      credential: person.keyId,
      address: '198.51.100.7',
      requestId: made.headers.get('request-id'),
      target: made.json.id,
      detail: { fields: 'name scopes' },
    })
    const rotated = await server.request('POST', `/v1/keys/${made.json.id}/rotate`, { token: person.token, json: {} })
    const [rotation] = await audit(`&user=${person.user}&action=key.rotated`)
    expect(rotation).toMatchObject({ target: rotated.json.id, detail: { replaces: made.json.id } })
    await server.request('PUT', '/v1/suites/s', {
      token: person.token,
      json: { definition: { run: 'true', secrets: ['T'] } },
    })
    await server.request('PUT', '/v1/suites/s/secrets/T', { token: person.token, json: { value: 'hush-hush' } })
    const [secret] = await audit(`&user=${person.user}&action=secret.set`)
    expect(secret).toMatchObject({ target: 's/T', detail: { fields: 'value' } })
  })

  it('has nothing of what was refused or only repeated', async () => {
    const person = await newPerson(server)
    const make = (json: object) =>
      server.request('POST', '/v1/keys', { token: person.token, json, headers: { 'idempotency-key': 'k' } })
    await server.request('POST', '/v1/keys', { token: person.token, json: { name: 'x', scopes: ['admin'] } })
    await make({ name: 'once' })
    await make({ name: 'once' })
    expect(await audit(`&user=${person.user}&action=key.created`)).toHaveLength(1)
  })

  it('has every refused exchange with its reason, whose it was if that is known, and never what was shown', async () => {
    const person = await newPerson(server)
    const { key, id } = await ownKey(server, person, {})
    await server.request('DELETE', `/v1/keys/${id}`, { token: person.token })
    const unknown = makeApiKey((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
    const headers = { 'x-forwarded-for': '203.0.113.50' }
    await server.exchange(exchangeForm(key), headers)
    await server.exchange(exchangeForm(unknown), headers)
    await server.exchange(exchangeForm(person.key, { scope: unknown }), headers)
    await server.exchange(exchangeForm(person.key, { audience: unknown }), headers)
    const events = (await audit('&action=token.refused')).filter(({ address }) => address === '203.0.113.50')
    expect(events.map(({ credential, detail }) => [credential, detail.error, detail.reason]).reverse()).toEqual([
      [id, 'invalid_request', expect.stringMatching(/^was revoked at/)],
      [null, 'invalid_request', 'unknown key'],
      [person.keyId, 'invalid_scope', expect.stringContaining('something that is no scope')],
      [person.keyId, 'invalid_target', 'audience not allowed'],
    ])
    expect(JSON.stringify(await audit())).not.toMatch(/vdt_[0-9A-Za-z]{36}|eyJ/)
  })

  it('tells an owner of their workspace, an admin of all, and others nothing', async () => {
    const [one, two] = [await newPerson(server), await newPerson(server)]
    await ownKey(server, one, {})
    await ownKey(server, two, {})
    const token = async (user: string) => {
      const json = { name: 'auditor', scopes: ['audit:read'] }
      return server.token(undefined, (await server.request('POST', `/v1/users/${user}/keys`, { json })).json.key)
    }
    const seen = await audit('', await token(one.user))
    expect(seen.length).toBeGreaterThan(0)
    expect(new Set(seen.map(({ workspace }) => workspace))).toEqual(new Set([one.workspace]))
    expect(new Set((await audit()).map(({ workspace }) => workspace)).size).toBeGreaterThan(2)
    expect((await server.request('GET', '/v1/audit', { token: one.token })).status).toBe(403)
  })

  it('is filtered by user, key, action and time', async () => {
    const person = await newPerson(server)
    const { id } = await ownKey(server, person, {})
    await server.request('PATCH', `/v1/keys/${id}`, { token: person.token, json: { name: 'new' } })
    expect((await audit(`&key=${person.keyId}`)).map(({ action }) => action)).toEqual(['key.changed', 'key.created'])
    expect(await audit(`&key=${person.keyId}&action=key.changed`)).toHaveLength(1)
    expect(await audit(`&user=${person.user}&since=2099-01-01T00:00:00Z`)).toEqual([])
    expect(await audit(`&user=${person.user}&until=2020-01-01T00:00:00Z`)).toEqual([])
    expect((await server.request('GET', '/v1/audit?action=key.flown')).status).toBe(400)
    expect((await server.request('GET', '/v1/audit?since=yesterday')).status).toBe(400)
  })

  it('comes as JSON lines, all of it', async () => {
    const all: AuditEvent[] = []
    let cursor = ''
    do {
      const { json } = await server.request('GET', `/v1/audit?limit=3${cursor}`)
      all.push(...json.items)
      cursor = json.next === null ? '' : `&cursor=${json.next}`
    } while (cursor !== '')
    const lines = await server.request('GET', '/v1/audit?format=jsonl')
    expect(lines.headers.get('content-type')).toBe('application/jsonl; charset=utf-8')
    expect(
      lines.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(all)
  })

  it('is only added to', async () => {
    await audit()
    const db = new DatabaseSync(`${server.dataDir}/verdict.db`)
    expect(() => db.exec(`UPDATE audit SET user = 'nobody'`)).toThrow('only added to')
    db.close()
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect((await server.request(method, '/v1/audit')).status).toBe(405)
    }
  })

  it('says when a key was ended by whoever held it', async () => {
    const person = await newPerson(server)
    await server.request('POST', '/oauth/revoke', {
      token: null,
      body: new URLSearchParams({ token: person.key }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': '203.0.113.99' },
    })
    expect(await audit(`&key=${person.keyId}&action=key.revoked_by_holder`)).toMatchObject([
      { user: person.user, target: person.keyId, address: '203.0.113.99' },
    ])
  })
})
