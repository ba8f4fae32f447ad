import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { handWorker } from './hand-worker.ts'
import { newPerson, ownKey, type Person } from './people.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await startServer({
    env: { VERDICT_RUNNER: 'none', VERDICT_QUEUED_PER_WORKSPACE: '5', VERDICT_RATE_CALLS: '100000' },
  })
})
afterAll(() => server?.stop())
beforeEach(async () => {
  person = await newPerson(server)
})

const call = (method: string, path: string, json?: object, headers = {}) =>
  server.request(method, path, { token: person.token, headers, ...(json === undefined ? {} : { json }) })
const start = (json: object, key?: string) =>
  call('POST', '/v1/runs', json, key === undefined ? {} : { 'idempotency-key': key })
const push = (name: string, definition: object) =>
  call('PUT', `/v1/suites/${encodeURIComponent(name)}`, { definition: { run: 'true', ...definition } })

/** The run in the hands of a worker. */
async function claimed(run: string) {
  const worker = handWorker(server)
  return { worker, job: await worker.claim(run) }
}

describe('a run', () => {
  it('of its own definition is what was sent, and the suite keeps its name and repository', async () => {
    const source = { repository: 'github.com/x/shop', commit: 'abc', dirty: true }
    const ci = { provider: 'github', branch: 'main', commit: 'def', anything: 'else' }
    const definition = { run: 'npm test', variables: { TARGET: 'staging' } }
    const answer = await start({
      suite: 'smoke',
      definition,
      source,
      ci,
      labels: ['nightly'],
      variables: { TARGET: 'live' },
    })
    expect(answer.status).toBe(202)
    expect(answer.headers.get('location')).toBe(`/v1/runs/${answer.json.id}`)
    expect(answer.json).toMatchObject({
      workspace: person.workspace,
      suite: 'smoke',
      revision: null,
      source: { kind: 'upload', ...source },
      state: 'queued',
      version: 1,
      attempt: 0,
      url: `${server.url}/v1/runs/${answer.json.id}`,
      webUrl: null,
      startedAt: null,
      finishedAt: null,
      queuedMs: null,
      durationMs: null,
      results: null,
      variables: { TARGET: 'live' },
      labels: ['nightly'],
      rerunOf: null,
      triggeredBy: { kind: 'key', id: person.keyId, name: 'ci', userId: person.user },
      ci,
      artifacts: 0,
    })
    expect((await call('GET', '/v1/suites/smoke')).json).toMatchObject({
      revision: null,
      repository: 'github.com/x/shop',
    })
    const { worker, job } = await claimed(answer.json.id)
    expect(job).toMatchObject({ variables: { TARGET: 'live' }, commit: 'def', branch: 'main', timeoutSeconds: 1800 })
    await worker.pass(job)
    const final = (await call('GET', `/v1/runs/${answer.json.id}`)).json
    expect(final).toMatchObject({ state: 'passed', attempt: 1, reason: null, results: { total: 1, passed: 1 } })
    expect(final.durationMs).toBeGreaterThanOrEqual(0)
  })

  it('of a stored suite is its current revision, or the one that is asked for', async () => {
    await push('smoke', { run: 'one' })
    await push('smoke', { run: 'two', timeoutSeconds: 60 })
    const current = await start({ suite: 'smoke' })
    expect(current.json).toMatchObject({ revision: 2, source: { kind: 'stored' } })
    expect((await claimed(current.json.id)).job).toMatchObject({ definition: { run: 'two' }, timeoutSeconds: 60 })
    const old = await start({ suite: 'smoke', revision: 1, timeoutSeconds: 5 })
    expect(old.json.revision).toBe(1)
    expect((await claimed(old.json.id)).job).toMatchObject({ definition: { run: 'one' }, timeoutSeconds: 5 })
    const none = await start({ suite: 'smoke', revision: 3 })
    expect([none.status, none.json.code, none.json.detail]).toEqual([
      404,
      'not_found',
      expect.stringContaining('newest is 2'),
    ])
  })

  it('of its own definition keeps concurrency and attempts of a pushed suite', async () => {
    await push('smoke', { concurrency: 1, attempts: 1 })
    const answer = await start({ suite: 'smoke', definition: { run: 'x', concurrency: 9, attempts: 3 } })
    expect((await claimed(answer.json.id)).job.definition).toMatchObject({ run: 'x', concurrency: 1, attempts: 1 })
  })

  it.each<[string, object, number, string, RegExp]>([
    ['an unknown suite, with near names', { suite: 'smok' }, 404, 'unknown_suite', /smoke/],
    ['a suite that was never pushed', { suite: 'known' }, 404, 'unknown_suite', /never pushed/],
    ['a name that is none', { suite: 'No Such' }, 404, 'unknown_suite', /No Such/],
    [
      'a definition under a name that is none',
      { suite: 'No', definition: { run: 'x' } },
      400,
      'invalid_request',
      /suite name/,
    ],
    [
      'definition and revision',
      { suite: 'smoke', definition: { run: 'x' }, revision: 1 },
      400,
      'invalid_request',
      /not both/,
    ],
    [
      'an unknown variable, with near names',
      { suite: 'smoke', variables: { TARGT: 'x' } },
      400,
      'unknown_variable',
      /TARGET/,
    ],
    ['an unknown secret', { suite: 'smoke', secrets: { S: 'x', T: 'x' } }, 400, 'unknown_secret', /T/],
    [
      'a variable that is a prototype property',
      { suite: 'smoke', variables: { toString: 'x' } },
      400,
      'unknown_variable',
      /toString/,
    ],
    ['a missing secret', { suite: 'smoke' }, 422, 'secret_missing', /verdict suites secret set smoke S/],
    [
      'a missing secret of its own definition',
      { suite: 'own', definition: { run: 'x', secrets: ['A', 'B'] } },
      422,
      'secret_missing',
      /A, B/,
    ],
    [
      'a missing secret with a name that every object has',
      { suite: 'own', definition: { run: 'x', secrets: ['toString'] } },
      422,
      'secret_missing',
      /toString/,
    ],
    [
      'a missing archive',
      { suite: 'own', definition: { run: 'x', archive: 'a'.repeat(64) } },
      422,
      'archive_missing',
      /a{64}/,
    ],
    [
      'a forbidden network',
      { suite: 'own', definition: { run: 'x', network: 'host' } },
      422,
      'network_not_allowed',
      /host/,
    ],
    [
      'too much memory',
      { suite: 'own', definition: { run: 'x', limits: { memoryBytes: 2 ** 40 } } },
      422,
      'limit_not_allowed',
      /memory/,
    ],
    [
      'a callback at a private address',
      { suite: 'smoke', callbackUrl: 'https://10.0.0.1' },
      422,
      'url_not_allowed',
      /callbackUrl/,
    ],
    [
      'a git source in what it brings itself',
      { suite: 'own', definition: { run: 'x', source: { git: 'https://x.example/a' } } },
      400,
      'invalid_request',
      /suites that are pushed/,
    ],
    ['no time', { suite: 'smoke', timeoutSeconds: 0 }, 400, 'invalid_request', /timeoutSeconds/],
    ['half a second', { suite: 'smoke', timeoutSeconds: 0.5 }, 400, 'invalid_request', /timeoutSeconds/],
    ['time as text', { suite: 'smoke', timeoutSeconds: '10m' }, 400, 'invalid_request', /timeoutSeconds/],
    [
      'an impatience that is too great',
      { suite: 'smoke', abandonAfterSeconds: 29 },
      400,
      'invalid_request',
      /abandonAfterSeconds/,
    ],
    ['too many labels', { suite: 'smoke', labels: Array(21).fill('x') }, 400, 'invalid_request', /labels/],
    ['CI facts that are no text', { suite: 'smoke', ci: { buildId: 7 } }, 400, 'invalid_request', /ci/],
    [
      'a field of the source that there is not',
      { suite: 'smoke', source: { url: 'x' } },
      400,
      'invalid_request',
      /url/,
    ],
  ])('is refused with %s, and nothing is left of it', async (_what, json, status, code, says) => {
    await push('smoke', { variables: { TARGET: '' }, secrets: ['S'] })
    const known = await start({ suite: 'known', definition: { run: 'x' } })
    const answer = await start(json)
    expect([answer.status, answer.json.code]).toEqual([status, code])
    expect(answer.text).toMatch(says)
    const runs = (await call('GET', '/v1/runs')).json.items
    expect(runs.map(({ id }: { id: string }) => id)).toEqual([known.json.id])
    const suites = (await call('GET', '/v1/suites')).json.items
    expect(suites.map(({ name }: { name: string }) => name).sort()).toEqual(['known', 'smoke'])
  })

  it('of a locked suite runs what was pushed, and nothing else', async () => {
    await push('gate', { run: 'old' })
    await push('gate', { run: 'new', locked: true })
    expect((await start({ suite: 'gate' })).json.revision).toBe(2)
    expect((await start({ suite: 'gate', revision: 2 })).status).toBe(202)
    for (const more of [{ definition: { run: 'x' } }, { revision: 1 }]) {
      const answer = await start({ suite: 'gate', ...more })
      expect([answer.status, answer.json.code]).toEqual([403, 'suite_locked'])
    }
  })

  it('is refused with queue_full and when to come again', async () => {
    for (let i = 0; i < 5; i++) expect((await start({ suite: 'a', definition: { run: 'x' } })).status).toBe(202)
    const answer = await start({ suite: 'a', definition: { run: 'x' } })
    expect([answer.status, answer.json.code]).toEqual([429, 'queue_full'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    const { items } = (await call('GET', '/v1/runs')).json
    await call('POST', `/v1/runs/${items[0].id}/cancel`)
    expect((await start({ suite: 'a', definition: { run: 'x' } })).status).toBe(202)
  })
})

describe('secrets of a run', () => {
  const SENT = 'sent-with-the-run'
  const STORED = 'stored-with-the-suite'

  it('are those stored with a pushed suite; what is sent wins', async () => {
    await push('smoke', { secrets: ['A', 'B'] })
    for (const name of ['A', 'B']) await call('PUT', `/v1/suites/smoke/secrets/${name}`, { value: STORED })
    const answer = await start({ suite: 'smoke', secrets: { B: SENT } })
    expect(answer.text).not.toContain(SENT)
    expect((await claimed(answer.json.id)).job.secrets).toEqual({ A: STORED, B: SENT })
  })

  it('are never the stored ones for a run that brings its own definition', async () => {
    await push('smoke', { secrets: ['A'] })
    await call('PUT', '/v1/suites/smoke/secrets/A', { value: STORED })
    const own = { suite: 'smoke', definition: { run: 'echo $A', secrets: ['A'] } }
    expect((await start(own)).json.code).toBe('secret_missing')
    const sent = await start({ ...own, secrets: { A: SENT } })
    expect((await claimed(sent.json.id)).job.secrets).toEqual({ A: SENT })
  })
})

describe('a rerun', () => {
  it('is a new run of the same definition and variables', async () => {
    const definition = { run: 'x', variables: { V: '1' } }
    const first = await start({
      suite: 'smoke',
      definition,
      variables: { V: '2' },
      labels: ['l'],
      ci: { buildId: '7' },
    })
    const { worker, job } = await claimed(first.json.id)
    await worker.pass(job)
    const again = await call('POST', `/v1/runs/${first.json.id}/rerun`)
    expect(again.status).toBe(202)
    expect(again.headers.get('location')).toBe(`/v1/runs/${again.json.id}`)
    expect(again.json).toMatchObject({
      rerunOf: first.json.id,
      state: 'queued',
      source: first.json.source,
      variables: { V: '2' },
      labels: ['l'],
      ci: { buildId: '7' },
    })
    expect((await claimed(again.json.id)).job.definition).toEqual(job.definition)
  })

  it('needs the secrets that came with the run again', async () => {
    const first = await start({ suite: 'a', definition: { run: 'x', secrets: ['S'] }, secrets: { S: 'v' } })
    const bare = await call('POST', `/v1/runs/${first.json.id}/rerun`, {})
    expect([bare.status, bare.json.code]).toEqual([422, 'secret_missing'])
    const sent = await call('POST', `/v1/runs/${first.json.id}/rerun`, { secrets: { S: 'w' } })
    expect((await claimed(sent.json.id)).job.secrets).toEqual({ S: 'w' })
  })

  it('is safe to repeat, and refused with what it does not know', async () => {
    const first = await start({ suite: 'a', definition: { run: 'x' } })
    const path = `/v1/runs/${first.json.id}/rerun`
    const one = await call('POST', path, {}, { 'idempotency-key': 'r' })
    const two = await call('POST', path, {}, { 'idempotency-key': 'r' })
    expect([one.status, two.status, two.json.id]).toEqual([202, 200, one.json.id])
    expect((await call('POST', path, { colour: 'red' })).json.code).toBe('invalid_request')
    expect((await call('POST', path, { secrets: { X: '' } })).json.code).toBe('unknown_secret')
  })

  it('of a suite that was locked since is refused, unless it is the current revision', async () => {
    await push('gate', { run: 'old' })
    const old = await start({ suite: 'gate' })
    await push('gate', { run: 'new', locked: true })
    expect((await call('POST', `/v1/runs/${old.json.id}/rerun`)).json.code).toBe('suite_locked')
    const current = await start({ suite: 'gate' })
    expect((await call('POST', `/v1/runs/${current.json.id}/rerun`)).status).toBe(202)
  })
})

describe('an Idempotency-Key', () => {
  const json = {
    suite: 'a',
    definition: { run: 'x', variables: { V: '' }, secrets: ['S'] },
    variables: { V: '1' },
    secrets: { S: 's' },
  }

  it('makes one run of a request whose answer was lost', async () => {
    const [one, two] = await Promise.all([start(json, 'k'), start(json, 'k')])
    expect(new Set([one.json.id, two.json.id]).size).toBe(1)
    expect([one.status, two.status].sort()).toEqual([200, 202])
    const replay = await start(json, 'k')
    expect([replay.status, replay.headers.get('idempotent-replayed'), replay.json.id]).toEqual([
      200,
      'true',
      one.json.id,
    ])
    expect(replay.headers.get('location')).toBe(`/v1/runs/${one.json.id}`)
    expect((await call('GET', '/v1/runs')).json.items).toHaveLength(1)
  })

  it('knows an honest retry from another machine, and another key of the workspace', async () => {
    const first = await start({ ...json, ci: { buildId: '1' }, labels: ['a'] }, 'k')
    const other = await ownKey(server, person, {})
    const again = await server.request('POST', '/v1/runs', {
      token: other.token,
      json: { ...json, ci: { buildId: '2' }, labels: ['b'], abandonAfterSeconds: 60 },
      headers: { 'idempotency-key': 'k' },
    })
    expect([again.status, again.json.id]).toEqual([200, first.json.id])
  })

  it('of another workspace is another one', async () => {
    const first = await start(json, 'k')
    person = await newPerson(server)
    const second = await start(json, 'k')
    expect([second.status, second.json.id === first.json.id]).toEqual([202, false])
  })

  it('means the current revision, whichever that is by now', async () => {
    await push('smoke', { run: 'one' })
    const first = await start({ suite: 'smoke' }, 'k')
    await push('smoke', { run: 'two', timeoutSeconds: 5 })
    const again = await start({ suite: 'smoke' }, 'k')
    expect([again.status, again.json.id, again.json.revision]).toEqual([200, first.json.id, 1])
    expect((await start({ suite: 'smoke', revision: 2 }, 'k')).json.code).toBe('idempotency_key_reused')
  })

  it.each([
    ['suite', { suite: 'b' }],
    ['definition', { definition: { ...json.definition, run: 'y' } }],
    ['variables', { variables: { V: '2' } }],
    ['secrets', { secrets: { S: 't' } }],
    ['time limit', { timeoutSeconds: 7 }],
  ])('is refused for a run of another %s', async (_what, changed) => {
    await start(json, 'k')
    const answer = await start({ ...json, ...changed }, 'k')
    expect([answer.status, answer.json.code]).toEqual([422, 'idempotency_key_reused'])
    expect(answer.json.detail).toContain('k')
  })

  it('is given the run even when the queue is full by now', async () => {
    const first = await start(json, 'k')
    for (let i = 0; i < 4; i++) await start({ suite: 'a', definition: { run: 'x' } })
    expect((await start({ suite: 'a', definition: { run: 'x' } })).status).toBe(429)
    expect((await start(json, 'k')).json.id).toBe(first.json.id)
  })

  it.each(['two words', 'x'.repeat(256)])('is refused when it is "%s"', async (key) => {
    const answer = await start(json, key)
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_request'])
  })
})
