import { createHmac, randomUUID } from 'node:crypto'
import { sign } from '@octokit/webhooks-methods'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { githubExamples, githubPayload } from '../support/github-webhooks.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newPerson, ownKey, type Person } from './people.ts'

const SCOPES = [
  'runs:read',
  'runs:write',
  'suites:read',
  'suites:write',
  'triggers:read',
  'triggers:write',
  'keys:write',
]
let server: TestServer
let person: Person
beforeAll(async () => {
  const env = { VERDICT_RUNNER: 'none', VERDICT_RATE_CALLS: '100000', VERDICT_TRUST_PROXY: '127.0.0.1/32' }
  server = await startServer({ env })
})
afterAll(() => server?.stop())
let address = 0
beforeEach(async () => {
  address++
  person = await newPerson(server, { scopes: SCOPES })
  await call('PUT', '/v1/suites/smoke', { definition: { run: 'true', variables: { TARGET: '', FIXED: '' } } })
})

const call = (method: string, path: string, json?: object, token = person.token) =>
  server.request(method, path, { token, ...(json === undefined ? {} : { json }) })
const create = (json: object, token?: string) => call('POST', '/v1/triggers', json, token)
/** Each test from an address of its own: what does not verify is counted by address. */
const deliver = (id: string, body: string, headers: Record<string, string>) =>
  server.request('POST', `/triggers/${id}`, {
    token: null,
    body,
    headers: { 'content-type': 'application/json', 'x-forwarded-for': `203.0.113.${address}`, ...headers },
  })

const SHA = 'a'.repeat(40)
const REPOSITORY = { full_name: 'acme/shop', html_url: 'https://github.com/acme/shop' }
const push = (change: object = {}) => ({
  ...{ ref: 'refs/heads/main', before: 'b'.repeat(40), after: SHA, deleted: false, repository: REPOSITORY },
  ...change,
})
const pullRequest = (action = 'opened', from = 'acme/shop', change: object = {}) => ({
  action,
  number: 7,
  repository: REPOSITORY,
  pull_request: {
    number: 7,
    html_url: 'https://github.com/acme/shop/pull/7',
    head: { sha: SHA, ref: 'topic', repo: from === '' ? null : { full_name: from } },
    base: { sha: 'c'.repeat(40), ref: 'main', repo: { full_name: 'acme/shop' } },
  },
  ...change,
})
const githubHeaders = (secret: string, body: string, event: string, id: string = randomUUID()) => ({
  'x-github-event': event,
  'x-github-delivery': id,
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
})
/** Signed as GitHub's own package signs. */
const send = async (trigger: { id: string; secret: string }, payload: object, event: string, id?: string) => {
  const body = JSON.stringify(payload)
  const headers = githubHeaders(trigger.secret, body, event, id)
  return deliver(trigger.id, body, { ...headers, 'x-hub-signature-256': await sign(trigger.secret, body) })
}
/** What GitHub would send, of its own description, with what the test says of it. */
const github = (trigger: { id: string; secret: string }, change: object, event = 'push', id?: string) =>
  send(trigger, githubPayload(event, { ...change }), event, id)
/** Id, body and headers of a webhook that is not as it should be. */
type Wrong = (trigger: { id: string; secret: string }, body: string) => [string, string, Record<string, string>]
const newTrigger = async (json: object = {}) => {
  const made = await create({ suite: 'smoke', kind: 'github', ...json })
  expect(made.status, made.text).toBe(201)
  return made.json as { id: string; secret: string; url: string }
}

describe('a new trigger', () => {
  it('shows its secret once, and where webhooks go', async () => {
    const made = await create({ suite: 'smoke', kind: 'github', branches: ['main'], description: 'shop' })
    expect(made.headers.get('cache-control')).toBe('no-store')
    const { secret, ...trigger } = made.json
    expect(secret).toMatch(/^whsec_/)
    expect(trigger).toMatchObject({
      ...{ suite: 'smoke', kind: 'github', source: 'stored', events: null, branches: ['main'], repositories: null },
      ...{ forks: false, variables: {}, callbackUrl: null, description: 'shop', disabled: false },
      url: expect.stringMatching(new RegExp(`/triggers/${trigger.id}$`)),
    })
    expect((await call('GET', '/v1/triggers')).json.items).toEqual([trigger])
    expect((await call('GET', `/v1/triggers/${trigger.id}`)).json).toEqual(trigger)
  })

  it.each<[string, object, number, string]>([
    ['an unknown suite', { suite: 'none' }, 404, 'unknown_suite'],
    ['an unknown kind', { kind: 'bitbucket' }, 400, 'invalid_request'],
    ['the source git, which the suite has not', { source: 'git' }, 400, 'invalid_request'],
    ['branches that nothing would ever name', { kind: 'standard', branches: ['main'] }, 400, 'invalid_request'],
    ['a variable that the suite has not', { variables: { TARGETT: '' } }, 400, 'unknown_variable'],
    ['a reserved variable', { variables: { PATH: '/' } }, 422, 'reserved_name'],
    ['what is no pointer', { variables: { TARGET: { pointer: 'a' } } }, 400, 'invalid_request'],
    ['a bad escape in a pointer', { variables: { TARGET: { pointer: '/a~2' } } }, 400, 'invalid_request'],
    ['a private address', { callbackUrl: 'https://10.0.0.1/' }, 422, 'url_not_allowed'],
    ['an unknown field', { colour: 'red' }, 400, 'invalid_request'],
  ])('is refused with %s', async (_what, json, status, code) => {
    const answer = await create({ suite: 'smoke', kind: 'github', ...json })
    expect([answer.status, answer.json.code]).toEqual([status, code])
  })

  it('is changed, disabled and deleted, and is not there for others', async () => {
    const trigger = await newTrigger()
    const json = { branches: ['x'], forks: true, variables: { FIXED: 'a' }, description: 'd' }
    expect((await call('PATCH', `/v1/triggers/${trigger.id}`, json)).json).toMatchObject(json)
    await call('PATCH', `/v1/triggers/${trigger.id}`, { disabled: true, branches: null })
    expect((await github(trigger, push())).json).toEqual({ skipped: 'The trigger is disabled.' })
    const other = await newPerson(server, { scopes: SCOPES })
    const limited = await ownKey(server, person, { scopes: ['triggers:read'], suites: ['other'] })
    for (const { token } of [other, limited]) {
      expect((await call('GET', `/v1/triggers/${trigger.id}`, undefined, token)).status).toBe(404)
    }
    expect((await call('DELETE', `/v1/triggers/${trigger.id}`)).status).toBe(204)
    expect((await github(trigger, push())).status).toBe(404)
  })
})

describe('a trigger of a workspace that was deleted', () => {
  it('is not there any more', async () => {
    const { json: made } = await server.request('POST', '/v1/workspaces', { json: { name: 'doomed' } })
    const token = await server.token(undefined, made.key.key)
    await call('PUT', '/v1/suites/smoke', { definition: { run: 'true' } }, token)
    const { json: trigger } = await create({ suite: 'smoke', kind: 'github' }, token)
    expect((await github(trigger, push())).status).toBe(202)
    expect((await call('DELETE', `/v1/workspaces/${made.id}?confirm=doomed`, undefined, token)).status).toBe(204)
    expect((await github(trigger, push())).status).toBe(404)
  })
})

describe('a webhook of GitHub', () => {
  it('of a push starts a run of its commit', async () => {
    const trigger = await newTrigger({ description: 'shop pushes' })
    const answer = await github(trigger, push())
    expect(answer.status, answer.text).toBe(202)
    expect(answer.headers.get('location')).toBe(`/v1/runs/${answer.json.id}`)
    expect(answer.json).toMatchObject({
      ...{ suite: 'smoke', state: 'queued', source: { kind: 'stored' } },
      triggeredBy: { kind: 'trigger', id: trigger.id, name: 'shop pushes', userId: null },
      ci: { provider: 'github', repository: 'github.com/acme/shop', commit: SHA, branch: 'main' },
    })
    expect((await call('GET', `/v1/runs/${answer.json.id}`)).json.id).toBe(answer.json.id)
  })

  it('is answered while its run still waits, and nobody is there to work it', async () => {
    const answer = await github(await newTrigger(), push())
    expect([answer.status, answer.json.state, answer.json.finishedAt]).toEqual([202, 'queued', null])
    expect((await call('GET', `/v1/runs/${answer.json.id}`)).json.state).toBe('queued')
  })

  it.each(githubExamples().map(([event, payload]) => [event, payload.action, payload] as const))(
    'is read as GitHub describes it by example: %s %s',
    async (event, action, payload) => {
      const answer = await github(await newTrigger({ events: ['*'] }), payload, event)
      if (event === 'ping') return expect(answer.json.skipped).toMatch(/ping/)
      expect(answer.status, answer.text).toBe(202)
      const { html_url } = payload.repository as { html_url: string }
      expect(answer.json.ci.repository).toBe(html_url.replace('https://', ''))
      const one = await github(await newTrigger({ events: [`${event}.${action}`] }), payload, event)
      expect(one.status, one.text).toBe(202)
    },
  )

  it('of a pull request tells its number, its own commit and both branches', async () => {
    const answer = await github(await newTrigger(), pullRequest(), 'pull_request')
    expect(answer.json.ci).toEqual({
      ...{ provider: 'github', repository: 'github.com/acme/shop', commit: SHA, headCommit: SHA, branch: 'topic' },
      ...{ baseBranch: 'main', pullRequest: '7', buildUrl: 'https://github.com/acme/shop/pull/7' },
    })
  })

  it('is taken as a form, too, which GitHub offers', async () => {
    const trigger = await newTrigger()
    const body = new URLSearchParams({ payload: JSON.stringify(push()) }).toString()
    const headers = {
      ...githubHeaders(trigger.secret, body, 'push'),
      'content-type': 'application/x-www-form-urlencoded',
    }
    expect((await deliver(trigger.id, body, headers)).status).toBe(202)
  })

  it.each<[string, object, string, object, RegExp]>([
    ['is a ping', {}, 'ping', { zen: 'x' }, /ping/],
    ['is of another event', {}, 'star', { action: 'created' }, /does not listen to star/],
    ['is of another branch', { branches: ['release/*'] }, 'push', push(), /branch main/],
    ['is of another repository', { repositories: ['acme/other'] }, 'push', push(), /repository github.com\/acme\/shop/],
    ['deletes a branch', {}, 'push', push({ deleted: true, after: '0'.repeat(40) }), /main was deleted/],
    ['pushes a tag', {}, 'push', push({ ref: 'refs/tags/v1' }), /tag_push/],
    ['closes a pull request', {}, 'pull_request', pullRequest('closed'), /closed: no code/],
    ['comes from a fork', {}, 'pull_request', pullRequest('opened', 'eve/shop'), /fork/],
    [
      'has another action',
      { events: ['pull_request.opened'] },
      'pull_request',
      pullRequest('synchronize'),
      /only to pull_request.opened/,
    ],
  ])('that %s is answered with the reason, and starts nothing', async (_what, fields, event, payload, says) => {
    const answer = await github(await newTrigger(fields), payload, event)
    expect([answer.status, answer.json.skipped]).toEqual([200, expect.stringMatching(says)])
    expect((await call('GET', '/v1/runs')).json.items).toEqual([])
  })

  // GitHub sends null there, which its description does not know.
  it('that comes from a fork that is gone starts nothing', async () => {
    const answer = await send(await newTrigger(), pullRequest('opened', ''), 'pull_request')
    expect([answer.status, answer.json.skipped]).toEqual([200, expect.stringMatching(/fork/)])
  })

  it.each<[string, object, string, object]>([
    ['of a repository by its short name', { repositories: ['acme/*'] }, 'push', push()],
    ['of a fork, when that is asked for', { forks: true }, 'pull_request', pullRequest('opened', 'eve/shop')],
    ['of a tag, when that is asked for', { events: ['tag_push'] }, 'push', push({ ref: 'refs/tags/v1' })],
    [
      'of any event that is asked for',
      { events: ['release.published'] },
      'release',
      { action: 'published', repository: REPOSITORY },
    ],
  ])('starts a run: %s', async (_what, fields, event, payload) => {
    expect((await github(await newTrigger(fields), payload, event)).status).toBe(202)
  })

  it('gives variables, fixed and from the payload', async () => {
    const variables = { FIXED: 'x', TARGET: { pointer: '/head_commit/a~1b/0' } }
    const trigger = await newTrigger({ variables })
    const answer = await github(trigger, push({ head_commit: { 'a/b': [42] } }))
    expect(answer.json.variables).toEqual({ FIXED: 'x', TARGET: '42' })
    const missing = await github(trigger, push())
    expect([missing.status, missing.json.detail]).toEqual([400, expect.stringContaining('/head_commit/a~1b/0')])
  })

  it('that comes again is the same run, by its body whatever id it has', async () => {
    const trigger = await newTrigger()
    const first = await github(trigger, push(), 'push', 'one')
    for (const id of ['one', 'two']) {
      const again = await github(trigger, push(), 'push', id)
      expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true'])
      expect(again.json.id).toBe(first.json.id)
    }
    const other = await github(trigger, push({ after: 'd'.repeat(40) }), 'push', 'three')
    expect(other.json.id).not.toBe(first.json.id)
  })

  it('that comes ten times at once is one run', async () => {
    const trigger = await newTrigger()
    const answers = await Promise.all(Array.from({ length: 10 }, () => github(trigger, push())))
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1)
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
  })

  it.each<[string, Wrong]>([
    ['by another secret', ({ id }, body) => [id, body, githubHeaders('whsec_wrong', body, 'push')]],
    ['over another body', ({ id, secret }, body) => [id, `${body} `, githubHeaders(secret, body, 'push')]],
    [
      'by SHA-1',
      ({ id, secret }, body) => [
        id,
        body,
        {
          'x-github-event': 'push',
          'x-hub-signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`,
        },
      ],
    ],
    ['by nothing', ({ id }, body) => [id, body, { 'x-github-event': 'push' }]],
    [
      'for a trigger that there is not',
      ({ id, secret }, body) => [
        `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`,
        body,
        githubHeaders(secret, body, 'push'),
      ],
    ],
    ['for what is no id', ({ secret }, body) => ['x', body, githubHeaders(secret, body, 'push')]],
  ])('signed %s is answered 404, always the same', async (_what, wrong) => {
    const answer = await deliver(...wrong(await newTrigger(), JSON.stringify(push())))
    expect([answer.status, answer.json.code, answer.json.detail]).toEqual([
      ...[404, 'not_found'],
      'There is no such trigger, or the webhook is not signed with its secret.',
    ])
    expect((await call('GET', '/v1/runs')).json.items).toEqual([])
  })

  it.each([
    ['that is no JSON', 'not json', 'application/json'],
    ['that is empty', '', 'application/json'],
    ['that is a form without a payload', 'a=b', 'application/x-www-form-urlencoded'],
  ])('with a body %s is refused, once it is known to be signed', async (_what, body, type) => {
    const trigger = await newTrigger()
    const answer = await deliver(trigger.id, body, {
      ...githubHeaders(trigger.secret, body, 'push'),
      'content-type': type,
    })
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_json'])
  })

  it('of more than 1 MB is refused', async () => {
    const trigger = await newTrigger()
    const answer = await github(trigger, push({ filler: 'x'.repeat(1024 * 1024) }))
    expect([answer.status, answer.json.code]).toEqual([413, 'too_large'])
  })

  it('is taken by the old secret, too, while that is rotated, and then no more', async () => {
    const trigger = await newTrigger()
    const rotated = await call('POST', `/v1/triggers/${trigger.id}/rotate-secret`, { overlapSeconds: 60 })
    expect((await github(trigger, push())).status).toBe(202)
    expect((await github({ ...trigger, secret: rotated.json.secret }, push({ after: 'e'.repeat(40) }))).status).toBe(
      202,
    )
    const last = await call('POST', `/v1/triggers/${trigger.id}/rotate-secret`, { overlapSeconds: 0 })
    expect((await github(trigger, push({ after: 'f'.repeat(40) }))).status).toBe(404)
    expect((await github({ ...trigger, secret: last.json.secret }, push({ after: 'f'.repeat(40) }))).status).toBe(202)
  })
})

describe('a webhook of GitLab', () => {
  const PROJECT = { path_with_namespace: 'acme/shop', web_url: 'https://gitlab.example/acme/shop' }
  const hook = (change: object = {}) => ({
    object_kind: 'push',
    ref: 'refs/heads/main',
    after: SHA,
    project: PROJECT,
    ...change,
  })
  const merge = (change: object = {}) => ({
    object_kind: 'merge_request',
    project: PROJECT,
    object_attributes: {
      ...{ iid: 3, action: 'open', source_branch: 'topic', target_branch: 'main', last_commit: { id: SHA } },
      ...{ source_project_id: 1, target_project_id: 1, url: 'https://gitlab.example/acme/shop/-/merge_requests/3' },
      ...change,
    },
  })
  const gitlab = (trigger: { id: string; secret: string }, payload: object, token = trigger.secret) =>
    deliver(trigger.id, JSON.stringify(payload), { 'x-gitlab-event': 'x', 'x-gitlab-token': token })

  it('of a push and of a merge request starts a run of its commit', async () => {
    const trigger = await newTrigger({ kind: 'gitlab' })
    const base = { provider: 'gitlab', repository: 'gitlab.example/acme/shop', commit: SHA }
    expect((await gitlab(trigger, hook())).json.ci).toEqual({ ...base, branch: 'main' })
    expect((await gitlab(trigger, merge())).json.ci).toMatchObject({
      ...{ ...base, headCommit: SHA, branch: 'topic', baseBranch: 'main', pullRequest: '3' },
    })
  })

  it.each<[string, object, RegExp]>([
    ['deletes a branch', hook({ after: '0'.repeat(40) }), /main was deleted/],
    ['closes a merge request', merge({ action: 'close' }), /close: no code/],
    ['changes a title', merge({ action: 'update' }), /no code/],
    ['comes from a fork', merge({ source_project_id: 2 }), /fork/],
    ['is of another kind', { object_kind: 'note', project: PROJECT }, /note/],
  ])('that %s starts nothing', async (_what, payload, says) => {
    const answer = await gitlab(await newTrigger({ kind: 'gitlab' }), payload)
    expect([answer.status, answer.json.skipped]).toEqual([200, expect.stringMatching(says)])
  })

  it('of new commits in a merge request starts a run', async () => {
    const payload = merge({ action: 'update', oldrev: 'b'.repeat(40) })
    expect((await gitlab(await newTrigger({ kind: 'gitlab' }), payload)).status).toBe(202)
  })

  it.each(['', 'wrong'])('with the token "%s" is answered 404', async (token) => {
    expect((await gitlab(await newTrigger({ kind: 'gitlab' }), hook(), token)).status).toBe(404)
  })
})

describe('a Standard Webhook', () => {
  const standard = (trigger: { id: string; secret: string }, payload: object, id: string, date = new Date()) => {
    const body = JSON.stringify(payload)
    const signature = new Webhook(trigger.secret).sign(id, date, body)
    return deliver(trigger.id, body, {
      ...{ 'webhook-id': id, 'webhook-timestamp': String(Math.floor(date.getTime() / 1000)) },
      'webhook-signature': signature,
    })
  }

  it('signed by the standardwebhooks package starts a run, and the same again by its id', async () => {
    const trigger = await newTrigger({
      kind: 'standard',
      events: ['deploy.*'],
      variables: { TARGET: { pointer: '/data/url' } },
    })
    const payload = { type: 'deploy.done', data: { url: 'https://staging.example' } }
    const first = await standard(trigger, payload, 'msg_1')
    expect(first.status, first.text).toBe(202)
    expect(first.json.variables.TARGET).toBe('https://staging.example')
    expect((await standard(trigger, payload, 'msg_1')).json.id).toBe(first.json.id)
    expect((await standard(trigger, payload, 'msg_2')).json.id).not.toBe(first.json.id)
    expect((await standard(trigger, { type: 'image.pushed' }, 'msg_3')).json.skipped).toContain('image.pushed')
  })

  it.each([6, -6])('that is %d minutes old is answered 404', async (minutes) => {
    const trigger = await newTrigger({ kind: 'standard' })
    expect((await standard(trigger, {}, 'msg_1', new Date(Date.now() - minutes * 60_000))).status).toBe(404)
  })
})

it('counts what does not verify by its address, and lets what verifies through', async () => {
  const trigger = await newTrigger()
  const answers: number[] = []
  for (let n = 0; n < 31; n++) answers.push((await github({ ...trigger, secret: 'whsec_wrong' }, push({ n }))).status)
  expect([answers[0], answers[30]]).toEqual([404, 429])
  expect((await github(trigger, push())).status).toBe(202)
})
