import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Outcome } from '../../worker/work.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { type HandWorker, handWorker } from './hand-worker.ts'
import { newPerson, type Person } from './people.ts'

const SHA = 'a'.repeat(40)
const GIT = 'https://git.example/acme/shop.git'
const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDYtCCVXb+qcnJ37SKt02poaSvGoBTTO3AppY9oJJARr'
const BY_SSH = { git: 'git@git.example:acme/shop.git', credential: 'GIT_TOKEN', hostKeys: HOST_KEY }
const SCOPES = ['runs:read', 'runs:write', 'suites:read', 'suites:write', 'triggers:read', 'triggers:write']
let server: TestServer
let worker: HandWorker
let person: Person
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000' } })
  worker = handWorker(server)
})
afterAll(() => server?.stop())
beforeEach(async () => {
  person = await newPerson(server, { scopes: SCOPES })
  expect((await push()).status).toBe(201)
  await call('PUT', '/v1/suites/smoke/secrets/GIT_TOKEN', { value: 'token-1' })
  await call('PUT', '/v1/suites/smoke/secrets/SHOP_TOKEN', { value: 'shop-1' })
})

const call = (method: string, path: string, json?: object) =>
  server.request(method, path, { token: person.token, ...(json === undefined ? {} : { json }) })
const push = (source: object | undefined = { git: GIT, credential: 'GIT_TOKEN' }) =>
  call('PUT', '/v1/suites/smoke', { definition: { run: 'true', secrets: ['SHOP_TOKEN'], ...(source && { source }) } })
const start = (json: object) => call('POST', '/v1/runs', { suite: 'smoke', ...json })
const webhook = async (trigger: { id: string; secret: string }, change: object = {}) => {
  const repository = { full_name: 'acme/shop', html_url: 'https://github.com/acme/shop' }
  const body = JSON.stringify({ ref: 'refs/heads/main', after: SHA, deleted: false, repository, ...change })
  const signature = `sha256=${createHmac('sha256', trigger.secret).update(body).digest('hex')}`
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature }
  return server.request('POST', `/triggers/${trigger.id}`, { token: null, body, headers })
}
const newTrigger = async (json: object = {}) =>
  (await call('POST', '/v1/triggers', { suite: 'smoke', kind: 'github', ...json })).json

describe('a suite with a source', () => {
  it('is shown with it, and makes a new revision when it changes', async () => {
    const shown = (await call('GET', '/v1/suites/smoke')).json
    expect(shown.definition.source).toEqual({ git: GIT, credential: 'GIT_TOKEN', submodules: false })
    expect((await push()).json.revision).toBe(1)
    expect((await push({ git: GIT, credential: 'GIT_TOKEN', submodules: true })).json.revision).toBe(2)
  })

  it.each([
    ['source', { source: { commit: SHA, repository: 'elsewhere', dirty: true } }],
    ['ci', { ci: { commit: SHA } }],
  ])('runs the commit that the %s of a run names', async (_what, json) => {
    const run = await start(json)
    expect(run.status, run.text).toBe(202)
    const source = { kind: 'git', repository: 'git.example/acme/shop', commit: SHA, dirty: false }
    expect(run.json).toMatchObject({ revision: 1, source })
    expect((await call('GET', `/v1/runs?commit=${SHA}`)).json.items).toHaveLength(1)
  })

  it('gives its credential to the fetch, and never to the run', async () => {
    const job = await worker.claim((await start({ ci: { commit: SHA } })).json.id)
    expect(job.source).toEqual({ url: GIT, commit: SHA, credential: 'token-1', submodules: false })
    expect(job.secrets).toEqual({ SHOP_TOKEN: 'shop-1' })
  })

  it('by ssh gives the key and the pinned keys of the host to the fetch', async () => {
    const hostKeys = `git.example ${HOST_KEY} a comment`
    const pushed = await push({ git: 'git@GIT.example:acme/shop.git', credential: 'GIT_TOKEN', hostKeys })
    expect(pushed.status, pushed.text).toBe(201)
    const source = { git: 'git@git.example:acme/shop.git', credential: 'GIT_TOKEN', submodules: false }
    expect((await call('GET', '/v1/suites/smoke')).json.definition.source).toEqual({ ...source, hostKeys: [HOST_KEY] })
    const run = (await start({ ci: { commit: SHA } })).json
    expect(run.source.repository).toBe('git.example/acme/shop')
    const job = await worker.claim(run.id)
    expect(job.source).toEqual({
      ...{ url: source.git, commit: SHA, credential: 'token-1', submodules: false, hostKeys: [HOST_KEY] },
    })
    expect((await call('PUT', '/v1/suites/smoke/secrets/GIT_TOKEN', { value: '-----BEGIN X-----' })).text).not.toMatch(
      /BEGIN/,
    )
    expect((await call('GET', '/v1/suites/smoke/secrets')).text).not.toMatch(/BEGIN|token-1/)
  })

  it.each<[string, object, string, RegExp]>([
    ['an option in it', { git: 'ssh://-oProxyCommand=x@git.example/a' }, 'invalid_request', /take for something else/],
    ['a local path', { git: '/srv/git/shop' }, 'invalid_request', /must begin with/],
    ['git running a program', { git: 'ext::sh -c x' }, 'invalid_request', /must begin with/],
    ['a password in it', { git: 'https://user:pw@git.example/a' }, 'invalid_request', /user name or password/],
    ['a private host', { git: 'https://10.0.0.1/a' }, 'url_not_allowed', /private/],
    ['another port', { git: 'https://git.example:8443/a' }, 'url_not_allowed', /port 443/],
    ['ssh to a private host', { ...BY_SSH, git: 'ssh://git@10.0.0.1/a' }, 'url_not_allowed', /private/],
    ['ssh to this machine', { ...BY_SSH, git: 'git@localhost:a' }, 'url_not_allowed', /this machine/],
    ['ssh to loopback in disguise', { ...BY_SSH, git: 'ssh://git@0x7f.1/a' }, 'url_not_allowed', /private/],
    ['ssh on another port', { ...BY_SSH, git: 'ssh://git@git.example:2222/a' }, 'url_not_allowed', /port 22/],
    ['ssh without pinned keys', { ...BY_SSH, hostKeys: [] }, 'invalid_request', /hostKeys: is needed with ssh/],
    [
      'ssh without a credential',
      { ...BY_SSH, credential: undefined },
      'invalid_request',
      /credential: is needed with ssh/,
    ],
    ['pinned keys without ssh', { git: GIT, hostKeys: HOST_KEY }, 'invalid_request', /of ssh only/],
  ])('is refused with %s', async (_what, source, code, says) => {
    const answer = await push(source)
    expect([answer.json.code, answer.json.detail]).toEqual([code, expect.stringMatching(says)])
  })

  it('is run again at the same commit', async () => {
    const { id } = (await start({ ci: { commit: SHA } })).json
    await worker.pass(await worker.claim(id))
    const again = await call('POST', `/v1/runs/${id}/rerun`, {})
    expect(again.json).toMatchObject({ rerunOf: id, source: { kind: 'git', commit: SHA } })
    expect((await worker.claim(again.json.id)).source).toMatchObject({ commit: SHA, credential: 'token-1' })
  })

  it.each([
    ['no commit', {}],
    ['a branch', { ci: { commit: 'main' } }],
    ['a short commit', { source: { commit: SHA.slice(0, 12) } }],
    ['an option', { source: { commit: '--upload-pack=x' } }],
  ])('refuses a run that names %s', async (_what, json) => {
    const answer = await start(json)
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    expect(answer.json.detail).toContain('git.example/acme/shop')
  })

  it('says which secret is missing for its fetch', async () => {
    await call('DELETE', '/v1/suites/smoke/secrets/GIT_TOKEN')
    const answer = await start({ ci: { commit: SHA } })
    expect([answer.status, answer.json.code]).toEqual([422, 'secret_missing'])
    expect(answer.json.detail).toMatch(/GIT_TOKEN to fetch its source.*verdict suites secret set smoke GIT_TOKEN/)
  })

  it('is another question for another commit under the same Idempotency-Key', async () => {
    const ask = (commit: string) =>
      server.request('POST', '/v1/runs', {
        ...{ token: person.token, headers: { 'idempotency-key': 'k' }, json: { suite: 'smoke', ci: { commit } } },
      })
    const first = await ask(SHA)
    expect((await ask(SHA)).json.id).toBe(first.json.id)
    expect((await ask('b'.repeat(40))).json.code).toBe('idempotency_key_reused')
  })

  it.each<[NonNullable<Outcome['reason']>['code'], string]>([
    ['commit_missing', 'suite'],
    ['suite_file_missing', 'suite'],
    ['suite_file_invalid', 'suite'],
    ['source_unavailable', 'service'],
  ])('may end with %s, the fault of the %s', async (code, fault) => {
    const { id } = (await start({ ci: { commit: SHA } })).json
    await worker.finish(await worker.claim(id), { results: null, reason: { code, message: 'why' } })
    const run = (await call('GET', `/v1/runs/${id}`)).json
    expect(run).toMatchObject({ state: 'errored', reason: { code, fault } })
  })
})

describe('a trigger of a suite with a source', () => {
  it('tests the commit that the webhook names', async () => {
    const trigger = await newTrigger()
    expect(trigger.source).toBe('git')
    const run = await webhook(trigger)
    expect(run.status, run.text).toBe(202)
    expect(run.json.source).toMatchObject({ kind: 'git', commit: SHA, repository: 'git.example/acme/shop' })
  })

  it('tests it, too, when the source is fetched by ssh', async () => {
    await push(BY_SSH)
    const run = await webhook(await newTrigger())
    expect(run.status, run.text).toBe(202)
    expect(run.json.source).toMatchObject({ kind: 'git', commit: SHA, repository: 'git.example/acme/shop' })
  })

  it.each([
    ['the source stored', { source: 'stored' }, /no stored files/],
    ['webhooks that name no commit', { kind: 'standard' }, /names no commit/],
  ])('is refused with %s', async (_what, json, says) => {
    const answer = await call('POST', '/v1/triggers', { suite: 'smoke', kind: 'github', source: 'git', ...json })
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
    expect(answer.json.detail).toMatch(says)
  })

  it('leaves out a webhook of another repository, such as a fork, unless its filter names it', async () => {
    const repository = { full_name: 'stranger/shop', html_url: 'https://github.com/stranger/shop' }
    const skipped = await webhook(await newTrigger(), { repository })
    expect([skipped.status, skipped.json.skipped]).toEqual([200, expect.stringMatching(/stranger\/shop.*acme\/shop/)])
    const chosen = await webhook(await newTrigger({ repositories: ['stranger/shop'] }), { repository })
    expect(chosen.status, chosen.text).toBe(202)
  })

  it('leaves out a branch that was deleted', async () => {
    const answer = await webhook(await newTrigger(), { deleted: true, after: '0'.repeat(40) })
    expect([answer.status, answer.json.skipped]).toEqual([200, 'main was deleted.'])
  })

  it('runs nothing else once the suite is pushed without its source', async () => {
    const trigger = await newTrigger()
    expect((await call('PUT', '/v1/suites/smoke', { definition: { run: 'true' } })).status).toBe(201)
    const answer = await webhook(trigger)
    expect([answer.status, answer.json.skipped]).toEqual([200, expect.stringMatching(/without a source/)])
  })
})

it('cannot have a source where the operator allows no network', async () => {
  const closed = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_SANDBOX_NETWORK: 'none' } })
  const answer = await closed.request('PUT', '/v1/suites/smoke', {
    json: { definition: { run: 'x', source: { git: GIT } } },
  })
  await closed.stop()
  expect([answer.status, answer.json.code]).toEqual([422, 'network_not_allowed'])
})
