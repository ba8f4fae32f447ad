import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { newPerson, type Person } from './people.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000' } })
})
afterAll(() => server?.stop())
beforeEach(async () => {
  person = await newPerson(server)
})

const call = (method: string, path: string, json?: object, token = person.token) =>
  server.request(method, path, { token, ...(json === undefined ? {} : { json }) })
const push = (name: string, definition: object, more: object = {}, token?: string) =>
  call('PUT', `/v1/suites/${encodeURIComponent(name)}`, { definition: { run: 'true', ...definition }, ...more }, token)

/** A service user of the first user's workspace: a member, and no owner. */
async function member(): Promise<string> {
  const user = await server.request('POST', '/v1/users', { json: { kind: 'service' } })
  const scopes = ['suites:read', 'suites:write', 'runs:read', 'runs:write']
  const key = await server.request('POST', `/v1/users/${user.json.id}/keys`, { json: { name: 'ci', scopes } })
  return server.token(undefined, key.json.key)
}

describe('a push', () => {
  it('makes a suite with every default filled in', async () => {
    const made = await push('shop/checkout', { report: 'report.xml', variables: { B: '2', A: '1' } })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ name: 'shop/checkout', revision: 1, repository: null, locked: false })
    expect(made.json.definition).toEqual({
      kind: 'command',
      archive: null,
      files: [],
      setup: null,
      run: 'true',
      report: ['report.xml'],
      artifacts: [],
      timeoutSeconds: 1800,
      attempts: 2,
      concurrency: 20,
      network: 'none',
      limits: { memoryBytes: 2 ** 31, processes: 512, diskBytes: 2 ** 31 },
      runsOn: [],
      variables: { A: '1', B: '2' },
      secrets: [],
      locked: false,
    })
    expect((await call('GET', '/v1/suites/shop%2Fcheckout')).json).toEqual(made.json)
  })

  it('of equal content makes no new revision', async () => {
    const first = await push('a', { report: ['r.xml'], runsOn: ['b', 'a'] })
    const again = await push('a', { report: 'r.xml', runsOn: ['a', 'b'], timeoutSeconds: 1800 })
    expect([again.status, again.json.revision, again.json.digest]).toEqual([200, 1, first.json.digest])
    const changed = await push('a', { report: ['r.xml'], runsOn: ['b', 'a'], timeoutSeconds: 1801 })
    expect([changed.status, changed.json.revision]).toEqual([201, 2])
    expect(changed.json.digest).not.toBe(first.json.digest)
    const { items } = (await call('GET', '/v1/suites/a/revisions')).json
    expect(items.map(({ revision }: { revision: number }) => revision)).toEqual([2, 1])
    expect(items[1]).toMatchObject({ suite: 'a', digest: first.json.digest, createdBy: person.user })
  })

  it('from another repository is refused, unless it says takeOver', async () => {
    const source = (repository: string) => ({ source: { repository, commit: 'abc', dirty: false } })
    expect((await push('a', {}, source('github.com/x/one'))).json.repository).toBe('github.com/x/one')
    const other = await push('a', { timeoutSeconds: 9 }, source('github.com/x/two'))
    expect([other.status, other.json.code]).toEqual([409, 'suite_of_other_repository'])
    expect(other.json.detail).toContain('github.com/x/one')
    expect(other.json.detail).toContain('--take-over')
    expect((await call('GET', '/v1/suites/a')).json.revision).toBe(1)
    const taken = await push('a', { timeoutSeconds: 9 }, { ...source('github.com/x/two'), takeOver: true })
    expect(taken.json).toMatchObject({ revision: 2, repository: 'github.com/x/two' })
  })

  it.each<[string, string, object, number, string, RegExp]>([
    ['a bad name', 'Shop', {}, 400, 'invalid_request', /suite name/],
    ['a name with two slashes', 'a/b/c', {}, 400, 'invalid_request', /suite name/],
    ['no command', 'a', { run: undefined }, 400, 'invalid_request', /run/],
    ['an unknown field', 'a', { image: 'node' }, 400, 'invalid_request', /image/],
    ['a source without an address', 'a', { source: {} }, 400, 'invalid_request', /git/],
    ['no repository', 'a', { source: { git: 'https://x' } }, 400, 'invalid_request', /names no repository/],
    ['a file', 'a', { source: { git: 'file:///etc' } }, 400, 'invalid_request', /https/],
    ['a program', 'a', { source: { git: 'ext::sh -c x' } }, 400, 'invalid_request', /https/],
    ['an option', 'a', { source: { git: '--upload-pack=x' } }, 400, 'invalid_request', /https/],
    ['ssh without a key', 'a', { source: { git: 'git@github.com:a/b.git' } }, 400, 'invalid_request', /private key/],
    [
      'ssh without keys of the host',
      'a',
      { source: { git: 'git@github.com:a/b.git', credential: 'KEY' } },
      400,
      'invalid_request',
      /hostKeys.*ssh-keyscan/,
    ],
    ['an address of two lines', 'a', { source: { git: 'https://x/a\n--b' } }, 400, 'invalid_request', /no address has/],
    ['a password', 'a', { source: { git: 'https://u:pw-123@x/a' } }, 400, 'invalid_request', /credential/],
    ['a query', 'a', { source: { git: 'https://x/a?b' } }, 400, 'invalid_request', /query/],
    ['a private host', 'a', { source: { git: 'https://10.0.0.1/a' } }, 422, 'url_not_allowed', /private/],
    ['plain http', 'a', { source: { git: 'http://x.example/a' } }, 422, 'url_not_allowed', /https/],
    ['another port', 'a', { source: { git: 'https://x.example:8443/a' } }, 422, 'url_not_allowed', /443/],
    [
      'a credential that the run is given, too',
      'a',
      { secrets: ['T'], source: { git: 'https://x.example/a', credential: 'T' } },
      400,
      'invalid_request',
      /T is declared/,
    ],
    [
      'a credential that is a secret itself',
      'a',
      { source: { git: 'https://x.example/a', credential: 'ghp-x' } },
      400,
      'invalid_request',
      /credential/,
    ],
    [
      'a reserved credential',
      'a',
      { source: { git: 'https://x.example/a', credential: 'PATH' } },
      422,
      'reserved_name',
      /PATH/,
    ],
    [
      'a source and files',
      'a',
      { archive: 'a'.repeat(64), source: { git: 'https://x.example/a' } },
      400,
      'invalid_request',
      /no files/,
    ],
    ['another kind, which comes later', 'a', { kind: 'http' }, 422, 'not_supported', /http/],
    ['an archive that is not there', 'a', { archive: 'a'.repeat(64) }, 422, 'archive_missing', /PUT \/v1\/archives/],
    ['a reserved variable', 'a', { variables: { PATH: 'x' } }, 422, 'reserved_name', /PATH/],
    [
      'a reserved variable in small letters',
      'a',
      { variables: { ld_preload: 'x' } },
      422,
      'reserved_name',
      /ld_preload/,
    ],
    ['a reserved secret', 'a', { secrets: ['NODE_OPTIONS'] }, 422, 'reserved_name', /NODE_OPTIONS/],
    ['a name that is variable and secret', 'a', { variables: { X: '' }, secrets: ['X'] }, 400, 'invalid_request', /X/],
    ['a variable of no name', 'a', { variables: { 'a b': '' } }, 400, 'invalid_request', /variables/],
    ['a report outside the folder', 'a', { report: '../r.xml' }, 400, 'invalid_request', /definition.report/],
    ['an absolute artifact', 'a', { artifacts: ['/etc/passwd'] }, 400, 'invalid_request', /definition.artifacts/],
    ['a network that is forbidden', 'a', { network: 'host' }, 422, 'network_not_allowed', /VERDICT_SANDBOX_NETWORK/],
    ['too much memory', 'a', { limits: { memoryBytes: 2 ** 33 } }, 422, 'limit_not_allowed', /memory/],
    ['too many processes', 'a', { limits: { processes: 5000 } }, 422, 'limit_not_allowed', /5000/],
    ['too much disk', 'a', { limits: { diskBytes: 2 ** 35 } }, 422, 'limit_not_allowed', /disk/],
    ['no time', 'a', { timeoutSeconds: 0 }, 400, 'invalid_request', /timeoutSeconds/],
    ['too many attempts', 'a', { attempts: 4 }, 400, 'invalid_request', /attempts/],
    ['a label that is none', 'a', { runsOn: ['Big Box'] }, 400, 'invalid_request', /runsOn/],
  ])('is refused with %s', async (_what, name, definition, status, code, says) => {
    const answer = await push(name, definition)
    expect([answer.status, answer.json.code]).toEqual([status, code])
    expect(answer.text).toMatch(says)
    expect((await call('GET', '/v1/suites')).json.items).toEqual([])
  })

  it('takes names that every object has for variables and secrets', async () => {
    expect((await push('a', { variables: { valueOf: '' }, secrets: ['toString', 'constructor'] })).status).toBe(201)
  })
})

describe('a suite', () => {
  it('that there is not is answered with near names', async () => {
    await push('checkout', {})
    const answer = await call('GET', '/v1/suites/chekout')
    expect([answer.status, answer.json.code]).toEqual([404, 'unknown_suite'])
    expect(answer.json.detail).toContain('checkout')
  })

  it('is deleted with all that belongs to it', async () => {
    await push('a', { secrets: ['S'] })
    await call('PUT', '/v1/suites/a/secrets/S', { value: 'v' })
    expect((await call('DELETE', '/v1/suites/a')).status).toBe(204)
    expect((await call('DELETE', '/v1/suites/a')).json.code).toBe('unknown_suite')
    const again = await push('a', { secrets: ['S'] })
    expect(again.json.revision).toBe(1)
    expect((await call('GET', '/v1/suites/a/secrets')).json.items).toEqual([])
  })

  it('that is locked is unlocked and deleted by an owner only', async () => {
    const other = await member()
    expect((await push('locked', { locked: true }, {}, other)).status).toBe(201)
    expect((await push('locked', { locked: true, timeoutSeconds: 7 }, {}, other)).json.revision).toBe(2)
    const unlock = await push('locked', { locked: false }, {}, other)
    expect([unlock.status, unlock.json.code]).toEqual([403, 'owner_needed'])
    const remove = await call('DELETE', '/v1/suites/locked', undefined, other)
    expect([remove.status, remove.json.code]).toEqual([403, 'owner_needed'])
    const owner = await server.token()
    expect((await push('locked', { locked: false }, {}, owner)).json.locked).toBe(false)
    expect((await call('DELETE', '/v1/suites/locked', undefined, other)).status).toBe(204)
  })
})

describe('secrets of a suite', () => {
  const VALUE = 'correct-horse-battery'

  it('are written, named with their dates, and never told', async () => {
    await push('a', { secrets: ['S'] })
    const put = await call('PUT', '/v1/suites/a/secrets/S', { value: VALUE })
    expect([put.status, put.json.name]).toEqual([200, 'S'])
    const listed = await call('GET', '/v1/suites/a/secrets')
    expect(listed.json.items).toEqual([{ name: 'S', createdAt: expect.any(String), updatedAt: expect.any(String) }])
    expect(put.text + listed.text).not.toContain(VALUE)
    expect((await call('DELETE', '/v1/suites/a/secrets/S')).status).toBe(204)
    expect((await call('DELETE', '/v1/suites/a/secrets/S')).status).toBe(404)
  })

  it('are encrypted on the disk', async () => {
    await push('a', { secrets: ['S'] })
    await call('PUT', '/v1/suites/a/secrets/S', { value: VALUE })
    const files = readdirSync(server.dataDir).filter((name) => name.startsWith('verdict.db'))
    expect(files.length).toBeGreaterThan(0)
    for (const name of files) expect(readFileSync(join(server.dataDir, name)).includes(VALUE)).toBe(false)
    const db = new DatabaseSync(join(server.dataDir, 'verdict.db'), { readOnly: true })
    expect(db.prepare('SELECT count(*) AS n FROM suite_secrets').get()?.n).toBeGreaterThan(0)
    db.close()
    expect(server.logged.join('')).not.toContain(VALUE)
  })

  it.each([
    ['of a suite that there is not', '/v1/suites/none/secrets/S', { value: 'v' }, 404, 'unknown_suite'],
    ['with a name that is none', '/v1/suites/a/secrets/a-b', { value: 'v' }, 400, 'invalid_request'],
    ['with a reserved name', '/v1/suites/a/secrets/VERDICT_X', { value: 'v' }, 422, 'reserved_name'],
    ['without a value', '/v1/suites/a/secrets/S', { value: '' }, 400, 'invalid_request'],
    ['that are too long', '/v1/suites/a/secrets/S', { value: 'x'.repeat(65_537) }, 400, 'invalid_request'],
  ])('are refused %s', async (_what, path, json, status, code) => {
    await push('a', { secrets: ['S'] })
    const answer = await call('PUT', path, json)
    expect([answer.status, answer.json.code]).toEqual([status, code])
  })
})
