import { describe, expect, it } from 'vitest'
import { systemClock } from '../../client/clock.ts'
import { clientFor, problem, runAnswer, runOf, scriptedServer, tokenAnswer } from './scripted-server.ts'

const RUN = 'GET /v1/runs/run_01'

describe('waiting for a run', () => {
  it('tells of every version and resolves with the final run', async () => {
    await using server = await scriptedServer({
      [RUN]: (_, nth) =>
        nth === 1
          ? runAnswer({ version: 1 })
          : nth === 2
            ? runAnswer({ version: 2, state: 'running' })
            : nth === 3
              ? { status: 304 }
              : runAnswer({ version: 5, state: 'passed' }),
    })
    const states: string[] = []
    const run = await clientFor(server.url).runs.wait('run_01', { onChange: ({ state }) => states.push(state) })
    expect(run.state).toBe('passed')
    expect(states).toEqual(['queued', 'running', 'passed'])
    expect(server.of(RUN).map(({ headers }) => [headers['if-none-match'], headers.prefer])).toEqual([
      [undefined, undefined],
      ['"1"', 'wait=25'],
      ['"2"', 'wait=25'],
      ['"2"', 'wait=25'],
    ])
  })

  it('waits at once when the run is known', async () => {
    await using server = await scriptedServer({ [RUN]: runAnswer({ version: 3, state: 'failed' }) })
    await clientFor(server.url).runs.wait('run_01', { known: runOf() })
    expect(server.of(RUN).map(({ headers }) => headers['if-none-match'])).toEqual(['"1"'])
  })

  it('asks nothing when the known run is final', async () => {
    await using server = await scriptedServer({})
    const run = await clientFor(server.url).runs.wait('run_01', { known: runOf({ state: 'passed' }) })
    expect(run.state).toBe('passed')
    expect(server.seen).toHaveLength(0)
  })

  it('goes on with a fresh token when the old one ends in mid-wait, and never waits past its end', async () => {
    await using server = await scriptedServer({
      'POST /oauth/token': (_, nth) => ({ json: tokenAnswer(`token-${nth}`, 20) }),
      [RUN]: (_, nth) => (nth < 3 ? problem(401, 'invalid_token') : runAnswer({ version: 2, state: 'passed' })),
    })
    const known = runOf()
    await expect(clientFor(server.url, { clock: systemClock }).runs.wait('run_01', { known })).rejects.toMatchObject({
      status: 401,
    })
    await clientFor(server.url, { clock: systemClock }).runs.wait('run_01', { known })
    expect(server.of(RUN).map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
      'Bearer token-3',
    ])
    for (const { headers } of server.of(RUN)) expect(Number(headers.prefer?.slice(5))).toBeLessThanOrEqual(18)
  })

  it('rejects as not authorised when the key is revoked in mid-wait', async () => {
    await using server = await scriptedServer({
      'POST /oauth/token': (_, nth) =>
        nth === 1
          ? { json: tokenAnswer('token-1') }
          : { status: 400, json: { error: 'invalid_request', error_description: 'The key "ci" was revoked' } },
      [RUN]: (_, nth) => (nth === 1 ? runAnswer({}) : problem(401, 'invalid_token')),
    })
    await expect(clientFor(server.url).runs.wait('run_01')).rejects.toMatchObject({
      during: 'exchange',
      message: 'The key "ci" was revoked',
    })
  })

  it('rides out an outage much longer than other calls do', async () => {
    await using server = await scriptedServer({
      [RUN]: (_, nth) =>
        nth === 1 ? runAnswer({}) : nth < 60 ? { reset: true } : runAnswer({ version: 2, state: 'passed' }),
    })
    const run = await clientFor(server.url, { random: { fraction: () => 0.999, uuid: () => 'u' } }).runs.wait(
      'run_01',
      { limitMs: 3_600_000 },
    )
    expect(run.state).toBe('passed')
  })

  it('does not hammer a server or proxy that answers waits at once', async () => {
    await using server = await scriptedServer({
      [RUN]: () => ({ status: 304 }),
    })
    const clock = systemClock
    const wait = clientFor(server.url, { clock }).runs.wait('run_01', { known: runOf(), limitMs: 1_500 })
    await expect(wait).rejects.toMatchObject({ name: 'WaitLimitError', message: 'No verdict within 1.5 s' })
    expect(server.of(RUN).length).toBeLessThanOrEqual(5)
  })

  it('ends within 100 ms of an abort in mid-request', async () => {
    const abort = new AbortController()
    await using server = await scriptedServer({
      [RUN]: (_, nth) => {
        if (nth === 1) return runAnswer({})
        at = performance.now()
        abort.abort(new Error('Ctrl-C'))
        return { raw: () => {} }
      },
    })
    let at = 0
    await expect(clientFor(server.url).runs.wait('run_01', { signal: abort.signal })).rejects.toThrow('Ctrl-C')
    expect(performance.now() - at).toBeLessThan(100)
  })

  it('rejects for a run that is not there', async () => {
    await using server = await scriptedServer({})
    await expect(clientFor(server.url).runs.wait('run_01')).rejects.toMatchObject({ code: 'not_found' })
  })
})
