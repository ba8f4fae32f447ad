import { describe, expect, it } from 'vitest'
import { ApiError, systemClock } from '../../client/index.ts'
import { runSuites, watchRuns } from '../../gate/run-suites.ts'
import { problem, runOf, tokenAnswer } from '../client/scripted-server.ts'
import { contextFor, folderWith, gateOptions, recorder, runServer, SMOKE } from './gate-world.ts'

const TWO = { 'verdict.yaml': 'suites: { smoke: { run: "true" }, slow: { run: "true" } }' }
const FAILED = { state: 'failed', reason: { code: 'tests_failed', message: '1 of 1', fault: 'suite' } } as const

describe('the gate', () => {
  it('packs, uploads, triggers, waits and gives the verdict, telling each step', async () => {
    await using server = await runServer({})
    await using folder = await folderWith(SMOKE)
    const { lines, listener } = recorder()
    const result = await runSuites(gateOptions(folder.path, { labels: ['pr'] }), contextFor(server.url, listener))
    expect(result).toMatchObject({ exitCode: 0, state: 'passed', interrupted: false })
    expect(lines).toEqual([
      'smoke from this tree (2 files, a1b2c3d, dirty)',
      'started run_smoke',
      'smoke passed',
      'finished smoke 0',
    ])
    const [archive] = server.archives
    expect(JSON.parse(server.of('POST /v1/runs')[0]!.body.toString())).toEqual({
      suite: 'smoke',
      definition: { run: 'true', archive },
      source: { repository: null, commit: 'a1b2c3d4e5', dirty: true },
      abandonAfterSeconds: 120,
      labels: ['pr'],
      ci: { provider: 'test' },
    })
  })

  it('does not upload an archive that the server has', async () => {
    await using server = await runServer({})
    await using folder = await folderWith(SMOKE)
    const context = contextFor(server.url, {})
    await runSuites(gateOptions(folder.path), context)
    await runSuites(gateOptions(folder.path), context)
    expect(server.seen.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  it('uploads once for suites that share their files', async () => {
    await using server = await runServer({})
    await using folder = await folderWith(TWO)
    const result = await runSuites(gateOptions(folder.path), contextFor(server.url, {}))
    expect(result.outcomes.map(({ suite }) => suite)).toEqual(['smoke', 'slow'])
    expect(server.seen.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  it('uploads once more when the archive is gone at the trigger', async () => {
    let first = true
    await using server = await runServer(
      {},
      {
        'POST /v1/runs': () => {
          if (!first) return { status: 202, json: runOf({ state: 'passed', suite: 'smoke' }) }
          first = false
          return problem(422, 'archive_missing')
        },
      },
    )
    await using folder = await folderWith(SMOKE)
    const result = await runSuites(gateOptions(folder.path), contextFor(server.url, {}))
    expect(result.exitCode).toBe(0)
    expect(server.seen.filter(({ method }) => method === 'PUT')).toHaveLength(2)
    const keys = server.of('POST /v1/runs').map(({ headers }) => headers['idempotency-key'])
    expect(keys[0]).toBe(keys[1])
  })

  it('makes one run when the answer to the trigger is lost', async () => {
    let lost = false
    await using server = await runServer({})
    const inner = server
    await using front = await runServer(
      {},
      {
        'POST /v1/runs': async ({ body, headers }) => {
          const answer = await fetch(`${inner.url}/v1/runs`, {
            method: 'POST',
            body: new Uint8Array(body),
            headers: { 'idempotency-key': String(headers['idempotency-key']) },
          })
          const json = await answer.json()
          if (lost)
            return {
              json: { ...json, state: 'passed' },
              headers: { 'idempotent-replayed': answer.headers.get('idempotent-replayed') ?? 'false' },
            }
          lost = true
          return { reset: true }
        },
        'GET /v1/suites/smoke': {
          json: { name: 'smoke', revision: 7, definition: {}, updatedAt: '2026-11-20T10:00:00.000Z' },
        },
      },
    )
    await using folder = await folderWith({})
    const { lines, listener } = recorder()
    const result = await runSuites(gateOptions(folder.path, { names: ['smoke'] }), contextFor(front.url, listener))
    expect(result.exitCode).toBe(0)
    expect(inner.runs.size).toBe(1)
    expect(lines.slice(0, 2)).toEqual(['smoke, revision 7 of 2026-11-20', 'started run_smoke (replayed)'])
  })

  it('gives several suites one verdict, the gravest', async () => {
    await using server = await runServer({ smoke: FAILED })
    await using folder = await folderWith(TWO)
    const result = await runSuites(gateOptions(folder.path), contextFor(server.url, {}))
    expect(result).toMatchObject({ exitCode: 1, state: 'failed' })
    expect(result.outcomes.map(({ exitCode }) => exitCode)).toEqual([1, 0])
  })

  it('only triggers with wait off, and asks for no abandonment', async () => {
    await using server = await runServer({ smoke: 'never' })
    await using folder = await folderWith(SMOKE)
    const result = await runSuites(gateOptions(folder.path, { wait: false }), contextFor(server.url, {}))
    expect(result).toMatchObject({ exitCode: 0, state: 'queued' })
    expect(JSON.parse(server.of('POST /v1/runs')[0]!.body.toString())).not.toHaveProperty('abandonAfterSeconds')
  })

  it('fixes the idempotency key for each suite', async () => {
    await using server = await runServer({})
    await using folder = await folderWith(TWO)
    const context = contextFor(server.url, {})
    await runSuites(gateOptions(folder.path, { idempotencyKey: 'build-7' }), context)
    const again = await runSuites(gateOptions(folder.path, { idempotencyKey: 'build-7' }), context)
    expect(again.outcomes.map(({ replayed }) => replayed)).toEqual([true, true])
    expect(server.of('POST /v1/runs').map(({ headers }) => headers['idempotency-key'])).toEqual([
      'build-7/smoke',
      'build-7/slow',
      'build-7/smoke',
      'build-7/slow',
    ])
  })

  it("cancels the remote run and says timed out when the client's limit is over", async () => {
    await using server = await runServer({ smoke: 'never' })
    await using folder = await folderWith(SMOKE)
    const result = await runSuites(gateOptions(folder.path, { waitTimeoutSeconds: 20 }), contextFor(server.url, {}))
    expect(result).toMatchObject({ exitCode: 5, state: 'timed_out', interrupted: false })
    expect(result.outcomes[0]).toMatchObject({ run: { state: 'cancelled' }, error: { name: 'WaitLimitError' } })
  })

  it('cancels all remote runs and sees them final when the signal comes', async () => {
    const abort = new AbortController()
    await using server = await runServer({ smoke: 'never', slow: 'never' })
    await using folder = await folderWith(TWO)
    let started = 0
    const { listener } = recorder({ started: () => ++started === 2 && setTimeout(() => abort.abort(), 20) })
    const result = await runSuites(gateOptions(folder.path), contextFor(server.url, listener, { signal: abort.signal }))
    expect(result.interrupted).toBe(true)
    expect(result.outcomes.map(({ run }) => run?.state)).toEqual(['cancelled', 'cancelled'])
    expect([...server.runs.values()].map(({ state }) => state)).toEqual(['cancelled', 'cancelled'])
  })

  it('cancels a run whose trigger was on its way when the signal came', async () => {
    const abort = new AbortController()
    let made: unknown
    await using server = await runServer(
      {},
      {
        'POST /v1/runs': async () => {
          abort.abort()
          await new Promise((resolve) => setTimeout(resolve, 5))
          made = runOf({ suite: 'smoke' })
          return { status: 202, json: made }
        },
        'POST /v1/runs/run_01/cancel': { status: 202, json: runOf({ state: 'cancelled', version: 2 }) },
      },
    )
    await using folder = await folderWith(SMOKE)
    const result = await runSuites(
      gateOptions(folder.path),
      contextFor(server.url, {}, { signal: abort.signal, clock: systemClock }),
    )
    expect(result).toMatchObject({ interrupted: true, outcomes: [{ run: { state: 'cancelled' } }] })
  })

  it('gives up cancelling after 5 s when the server is gone', async () => {
    const abort = new AbortController()
    await using server = await runServer({ smoke: 'never' }, { 'POST /v1/runs/run_smoke/cancel': { raw: () => {} } })
    await using folder = await folderWith(SMOKE)
    const { lines, listener } = recorder({ started: () => abort.abort() })
    const began = performance.now()
    await runSuites(gateOptions(folder.path), contextFor(server.url, listener, { signal: abort.signal }))
    // The clock of these tests is a hundred times as fast.
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(lines.join('\n')).toContain('could not be seen cancelled in time')
  })

  it('cancels the others when one suite is refused, so that half a verdict is none', async () => {
    await using server = await runServer(
      { smoke: 'never' },
      {
        'GET /v1/suites/other': {
          json: { name: 'other', revision: 1, definition: {}, updatedAt: '2026-11-20T10:00:00.000Z' },
        },
      },
    )
    await using folder = await folderWith(SMOKE)
    const context = contextFor(server.url, {})
    const create = context.client.runs.create
    context.client.runs.create = async (body, options) => {
      if (body.suite === 'other') {
        while (server.runs.size === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        throw new ApiError('locked', { code: 'suite_locked', status: 403, during: 'call' })
      }
      return create(body, options)
    }
    const result = await runSuites(gateOptions(folder.path, { names: ['smoke', 'other'] }), context)
    expect(result).toMatchObject({ exitCode: 2, interrupted: false })
    expect(result.outcomes[1]!.error?.message).toContain('use --stored')
    expect(server.runs.get('run_smoke')?.state).toBe('cancelled')
  })

  it('is not authorised when the key is revoked in mid-wait, and leaves the run to be abandoned', async () => {
    const revoked = { status: 400, json: { error: 'invalid_request', error_description: 'The key "ci" was revoked' } }
    await using server = await runServer(
      {},
      {
        'POST /oauth/token': (_, nth) => (nth === 1 ? { json: tokenAnswer('token-1') } : revoked),
        'GET /v1/runs/run_smoke': problem(401, 'invalid_token'),
      },
    )
    await using folder = await folderWith(SMOKE)
    const result = await runSuites(gateOptions(folder.path), contextFor(server.url, {}))
    expect(result).toMatchObject({
      exitCode: 3,
      state: 'errored',
      outcomes: [{ error: { message: 'The key "ci" was revoked' } }],
    })
    expect(server.of('POST /v1/runs/run_smoke/cancel')).toHaveLength(0)
  })

  it('has no verdict when the server goes away for longer than the limit', async () => {
    await using server = await runServer({}, { 'GET /v1/runs/run_smoke': { reset: true } })
    await using folder = await folderWith(SMOKE)
    const result = await runSuites(gateOptions(folder.path, { waitTimeoutSeconds: 20 }), contextFor(server.url, {}))
    expect(result.outcomes[0]!.error?.name).toBe('UnreachableError')
    expect(result).toMatchObject({ exitCode: 4, state: 'errored' })
  })

  it('says at least once a minute what it waits for', async () => {
    await using server = await runServer({ smoke: 'never', slow: 'never' })
    await using folder = await folderWith(TWO)
    const { lines, listener } = recorder()
    await runSuites(gateOptions(folder.path, { waitTimeoutSeconds: 150 }), contextFor(server.url, listener))
    const told = lines.filter((line) => line.startsWith('still '))
    expect(told.length).toBeGreaterThanOrEqual(2)
    expect(new Set(told)).toEqual(new Set(['still smoke, slow']))
  })

  it('brings the failed tests, the errored and the flaky ones', async () => {
    const results = { total: 4, passed: 2, failed: 1, skipped: 0, errored: 1, flaky: 1 }
    const named = (name: string, state: string, flaky = false) => ({ id: 1, name, state, flaky })
    await using server = await runServer(
      { smoke: { ...FAILED, results } },
      {
        'GET /v1/runs/run_smoke/cases': ({ path }) => {
          const state = new URL(path, 'http://x').searchParams.get('state')
          const items = {
            failed: [named('f', 'failed')],
            errored: [named('e', 'errored')],
            passed: [named('p', 'passed'), named('l', 'passed', true)],
          }
          return { json: { items: items[state as keyof typeof items], next: null } }
        },
      },
    )
    await using folder = await folderWith(SMOKE)
    const result = await runSuites(gateOptions(folder.path), contextFor(server.url, {}))
    expect(result.outcomes[0]!.cases.map(({ name }) => name)).toEqual(['f', 'e', 'l'])
  })

  it('keeps the verdict when the failed tests cannot be read', async () => {
    const results = { total: 1, passed: 0, failed: 1, skipped: 0, errored: 0, flaky: 0 }
    await using server = await runServer(
      { smoke: { ...FAILED, results } },
      { 'GET /v1/runs/run_smoke/cases': problem(500, 'internal') },
    )
    await using folder = await folderWith(SMOKE)
    const { lines, listener } = recorder()
    const result = await runSuites(gateOptions(folder.path), contextFor(server.url, listener))
    expect(result.exitCode).toBe(1)
    expect(lines.join('\n')).toContain('its failed tests could not be read')
  })

  it('follows the log for who wants it, and does without when it breaks', async () => {
    const sse = 'id: 1-1\nevent: log\ndata: "hello\\n"\n\n'
    await using server = await runServer(
      {},
      {
        'GET /v1/runs/run_smoke/events': (_, nth) =>
          nth === 1 ? { text: sse, headers: { 'content-type': 'text/event-stream' } } : problem(500, 'internal'),
      },
    )
    await using folder = await folderWith(SMOKE)
    const heard: string[] = []
    const { lines, listener } = recorder({ log: (run, text) => heard.push(`${run.suite}: ${text}`) })
    const result = await runSuites(gateOptions(folder.path), contextFor(server.url, listener, { clock: systemClock }))
    expect(result.exitCode).toBe(0)
    expect(heard).toEqual(['smoke: hello\n'])
    expect(lines.join('\n')).toContain('The log of smoke cannot be followed')
  })

  it('watches runs that others started, and spares them when asked to', async () => {
    const abort = new AbortController()
    await using server = await runServer({ smoke: 'never' })
    const context = contextFor(
      server.url,
      { started: () => setTimeout(() => abort.abort(), 20) },
      { signal: abort.signal },
    )
    const { run } = await context.client.runs.create({ suite: 'smoke' })
    const result = await watchRuns([{ run, replayed: false, limitMs: 3_600_000, spare: true }], context)
    expect(result.interrupted).toBe(true)
    expect(server.of('POST /v1/runs/run_smoke/cancel')).toHaveLength(0)
  })
})
