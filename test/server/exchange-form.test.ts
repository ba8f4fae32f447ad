import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchangeForm, startServer, type TestServer } from '../support/server.ts'
import { newPerson, type Person } from './people.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none' } })
  person = await newPerson(server)
})
afterAll(() => server?.stop())

describe('the form of a token exchange', () => {
  it.each([
    ['a scope that the key has not', 'runs:read admin', /admin/],
    ['a scope that there is not', 'runs:fly', /runs:fly/],
    ['only blanks', '   ', /no scope/],
  ])('refuses %s by invalid_scope', async (_what, scope, says) => {
    const answer = await server.exchange(exchangeForm(person.key, { scope }))
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_scope'])
    expect(answer.json.error_description).toMatch(says)
  })

  it.each([
    ['client_id', { client_id: 'whoever' }],
    ['a parameter that nobody knows', { colour: 'red' }],
    ['a parameter without a value, as if it were left out', { scope: '', audience: '', actor_token: '' }],
    [
      'the requested type that it gives anyway',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    ],
  ])('ignores %s', async (_what, more) => {
    expect((await server.exchange(exchangeForm(person.key, more))).status).toBe(200)
  })

  it.each<[string, Record<string, string | undefined>, string, RegExp]>([
    ['no grant_type', { grant_type: undefined }, 'invalid_request', /grant_type/],
    ['another grant', { grant_type: 'client_credentials' }, 'unsupported_grant_type', /token-exchange/],
    ['no subject_token', { subject_token: undefined }, 'invalid_request', /subject_token is missing/],
    ['an empty subject_token', { subject_token: '' }, 'invalid_request', /subject_token is missing/],
    ['no subject_token_type', { subject_token_type: undefined }, 'invalid_request', /subject_token_type/],
    [
      'an OIDC token where no issuer is configured',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'invalid_request',
      /subject_token_type/,
    ],
    ['an actor_token', { actor_token: 'x' }, 'invalid_request', /actor_token/],
    ['an actor_token_type', { actor_token_type: 'x' }, 'invalid_request', /actor_token/],
    [
      'another requested_token_type',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
      /requested_token_type/,
    ],
    ['an audience that the key has not', { audience: 'https://api.example' }, 'invalid_target', /audience/],
    ['a resource', { resource: 'https://api.example' }, 'invalid_target', /audiences/],
  ])('refuses %s', async (_what, more, error, says) => {
    const form = Object.entries({ ...exchangeForm(person.key), ...more }).filter(([, value]) => value !== undefined)
    const answer = await server.exchange(Object.fromEntries(form) as Record<string, string>)
    expect([answer.status, answer.json.error]).toEqual([400, error])
    expect(answer.json.error_description).toMatch(says)
    expect(answer.text).not.toContain(person.key)
  })

  it.each([
    ['a scope of 60 kB', { scope: 'a'.repeat(60_000) }, 400, 'invalid_scope'],
    ['30,000 scopes', { scope: 'x '.repeat(30_000) }, 400, 'invalid_scope'],
    ['an audience of 60 kB', { audience: 'a'.repeat(60_000) }, 400, 'invalid_target'],
    ['a type of 60 kB', { subject_token_type: 'a'.repeat(60_000) }, 400, 'invalid_request'],
    ['a parameter of its own of 60 kB', { x: 'a'.repeat(60_000) }, 200, undefined],
    ['a form of a megabyte', { x: 'a'.repeat(1_000_000) }, 400, 'invalid_request'],
  ])('answers in a few words to %s', async (_what, more, status, error) => {
    const answer = await server.exchange(exchangeForm(person.key, more))
    expect([answer.status, answer.json.error], answer.text.slice(0, 500)).toEqual([status, error])
    expect(answer.text.length).toBeLessThan(2000)
  })

  it('refuses a parameter that is given twice, known or not', async () => {
    const form = new URLSearchParams(exchangeForm(person.key))
    for (const twice of ['scope=runs:read&scope=runs:read', 'x=1&x=2']) {
      const answer = await server.exchange(`${form}&${twice}`)
      expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
      expect(answer.json.error_description).toMatch(/more than once/)
    }
  })

  it.each([
    ['JSON', 'application/json', (key: string) => JSON.stringify(exchangeForm(key))],
    ['nothing', 'application/x-www-form-urlencoded', () => ''],
    ['plain text', 'text/plain', () => 'hello'],
  ])('refuses %s instead of a form', async (_what, type, body) => {
    const answer = await server.request('POST', '/oauth/token', {
      token: null,
      body: body(person.key),
      headers: { 'content-type': type },
    })
    expect([answer.status, answer.json.error]).toEqual([400, 'invalid_request'])
  })
})
