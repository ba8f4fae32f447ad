import { describe, expect, it } from 'vitest'
import { createClient } from '../../client/client.ts'
import { clientFor, optionsFor, problem, runOf, scriptedServer } from './scripted-server.ts'

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('the client', () => {
  it.each([
    [{ url: 'http://verdict.example' }, 'AddressError'],
    [{ apiKey: 'vdt_wrong' }, 'KeyError'],
  ])('refuses %j before any request', (wrong, name) => {
    expect(() => createClient({ ...optionsFor('http://127.0.0.1:1'), ...wrong })).toThrow(
      expect.objectContaining({ name }),
    )
  })

  it('reads lists page by page, with the filters on every page, up to the limit', async () => {
    await using server = await scriptedServer({
      'GET /v1/runs': ({ path }) => {
        const cursor = new URL(path, 'http://x').searchParams.get('cursor')
        return { json: cursor === null ? { items: [1, 2], next: 'c1' } : { items: [3, 4], next: null } }
      },
    })
    const client = clientFor(server.url)
    expect(await all(client.runs.list({ suite: 'a/b' }))).toEqual([1, 2, 3, 4])
    expect(await all(client.runs.list({ suite: 'a/b' }, { limit: 3 }))).toEqual([1, 2, 3])
    expect(server.of('GET /v1/runs').map(({ path }) => path)).toEqual([
      '/v1/runs?suite=a%2Fb&limit=200',
      '/v1/runs?suite=a%2Fb&limit=200&cursor=c1',
      '/v1/runs?suite=a%2Fb&limit=3',
      '/v1/runs?suite=a%2Fb&limit=1&cursor=c1',
    ])
  })

  it('does not go round for ever on a cursor that stands still', async () => {
    await using server = await scriptedServer({ 'GET /v1/suites': { json: { items: [1], next: 'same' } } })
    expect(await all(clientFor(server.url).suites.list())).toEqual([1, 1])
  })

  it('puts a name into one segment of the address', async () => {
    await using server = await scriptedServer({ '*': { json: {} } })
    const client = clientFor(server.url)
    await client.suites.get('shop/checkout')
    await client.runs.artifact('run_01', 'a/../b c.png')
    expect(server.seen.slice(1).map(({ path }) => path)).toEqual([
      '/v1/suites/shop%2Fcheckout',
      '/v1/runs/run_01/artifacts/a%2F..%2Fb%20c.png',
    ])
  })

  it.each(['..', '.', ''])('answers 404 itself for the name %j, which no address can hold', async (name) => {
    await expect((async () => clientFor('http://127.0.0.1:1').suites.get(name))()).rejects.toMatchObject({
      status: 404,
    })
  })

  it('knows whether an archive is there', async () => {
    const [here, gone] = ['a'.repeat(64), 'b'.repeat(64)]
    await using server = await scriptedServer({
      [`HEAD /v1/archives/${here}`]: {},
      [`HEAD /v1/archives/${gone}`]: { status: 404 },
    })
    const { archives } = clientFor(server.url)
    expect(await archives.has(here)).toBe(true)
    expect(await archives.has(gone)).toBe(false)
  })

  it.each([
    [{ 'www-authenticate': 'Bearer realm="x", error="invalid_token"' }, 401, 'invalid_token'],
    [{ 'www-authenticate': 'Bearer' }, 401, 'unauthorized'],
    [{}, 403, 'insufficient_scope'],
    [{}, 507, 'archive_quota'],
  ])('knows what went wrong with a HEAD, whose answer has no body: %j %d', async (headers, status, code) => {
    await using server = await scriptedServer({
      'HEAD /v1/archives/abc': { status, headers: headers as Record<string, string> },
    })
    await expect(clientFor(server.url).archives.has('abc')).rejects.toMatchObject({ status, code })
    expect(server.of('HEAD /v1/archives/abc')).toHaveLength(code === 'invalid_token' ? 2 : 1)
  })

  it('uploads an archive as it is', async () => {
    await using server = await scriptedServer({
      'PUT /v1/archives/abc': { status: 201, json: { sha256: 'abc', bytes: 3 } },
    })
    await clientFor(server.url).archives.put('abc', Uint8Array.of(1, 2, 255))
    const [put] = server.of('PUT /v1/archives/abc')
    expect([...put!.body]).toEqual([1, 2, 255])
    expect(put!.headers['content-type']).toBe('application/gzip')
  })

  it('knows the version of the server and says its own', async () => {
    await using server = await scriptedServer({ 'GET /v1/me': { json: {} } })
    const client = clientFor(server.url)
    expect(client.serverVersion()).toBeUndefined()
    await client.me()
    expect(client.serverVersion()).toBe('9.9.9')
    expect(server.seen.map(({ headers }) => headers['user-agent'])).toEqual(['test/1', 'test/1'])
  })

  it('makes keys and users with an Idempotency-Key, and cancels without one', async () => {
    await using server = await scriptedServer({ '*': (_, nth) => (nth === 1 ? { reset: true } : { json: {} }) })
    const client = clientFor(server.url)
    await client.keys.create({ name: 'ci' })
    await client.users.create({ name: 'Ada' })
    await client.users.createKey('usr_01', { name: 'ci' })
    await client.runs.cancel('run_01')
    const keys = server.seen
      .filter(({ path }) => path !== '/oauth/token')
      .map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(8)
    expect(keys[0]).toBe(keys[1])
    expect(new Set(keys).size).toBe(4)
    expect(keys.slice(6)).toEqual([undefined, undefined])
  })

  it('says which fields the server refused', async () => {
    const errors = [{ path: '/suite', message: 'must be string' }]
    await using server = await scriptedServer({
      'POST /v1/runs': problem(400, 'invalid_request', { detail: 'The request is not valid', errors }),
    })
    await expect(clientFor(server.url).runs.create({ suite: 'x' })).rejects.toMatchObject({
      message: expect.stringMatching(/^The request is not valid \(\/suite: must be string\)/),
      errors,
    })
  })

  it('hands out the log as it comes and the JUnit text whole', async () => {
    await using server = await scriptedServer({
      'GET /v1/runs/run_01/log': { text: 'line 1\nline 2\n' },
      'GET /v1/runs/run_01/junit': { text: '<testsuites/>' },
      'GET /v1/runs/run_01/cases': { json: { items: [runOf()], next: null } },
    })
    const { runs } = clientFor(server.url)
    expect(Buffer.concat(await all(await runs.log('run_01'))).toString()).toBe('line 1\nline 2\n')
    expect(await runs.junit('run_01')).toBe('<testsuites/>')
    await all(runs.cases('run_01', { state: 'failed' }))
    expect(server.seen.at(-1)!.path).toBe('/v1/runs/run_01/cases?state=failed&limit=200')
  })
})
