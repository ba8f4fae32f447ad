import { describe, expect, it } from 'vitest'
import { problem, runAnswer, runOf, scriptedServer } from '../client/scripted-server.ts'
import { verdict } from './machine.ts'

describe('runs', () => {
  const items = [
    runOf({
      id: 'run_2',
      suite: 'shop/checkout',
      state: 'timed_out',
      durationMs: 3200,
      results: { total: 4, passed: 2, failed: 1, skipped: 1, errored: 0, flaky: 0 },
      ci: { commit: '4f2a91c0aa', branch: 'main\n::error::x' },
    }),
    runOf({ id: 'run_1' }),
  ]

  it('lists runs in columns, one line each', async () => {
    await using server = await scriptedServer({ 'GET /v1/runs': { json: { items, next: null } } })
    const { code, stdout } = await verdict(['runs'], { server })
    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['RUN', 'SUITE', 'STATE', 'RESULTS', 'MADE (UTC)', 'TOOK', 'COMMIT', 'BRANCH'],
      ['run_2', 'shop/checkout', 'timed out', '2/3 passed', '2026-11-20 00:00', '3.2 s', '4f2a91c', 'main ::error::x'],
      ['run_1', 'smoke', 'queued', '-', '2026-11-20 00:00', '-', '-', '-'],
      [''],
    ])
    expect(JSON.parse((await verdict(['runs', '--json'], { server })).stdout)).toEqual({ items })
  })

  it('hands its filters to the server', async () => {
    await using server = await scriptedServer({ 'GET /v1/runs': { json: { items: [], next: null } } })
    const argv = ['runs', '--suite', 'shop/checkout', '--state', 'timed-out', '--label', 'nightly', '--commit', '4f2a']
    const more = ['--branch', 'main', '--repository', 'github.com/acme/shop', '--since', '2026-11-01', '--limit', '5']
    const { stdout } = await verdict([...argv, ...more, '--until', '2026-11-20T00:00:00Z'], { server })
    expect(stdout).toBe('no runs\n')
    const query = new URL(server.of('GET /v1/runs')[0]!.path, server.url).searchParams
    expect(Object.fromEntries(query)).toEqual({
      suite: 'shop/checkout',
      state: 'timed_out',
      label: 'nightly',
      commit: '4f2a',
      branch: 'main',
      repository: 'github.com/acme/shop',
      since: '2026-11-01T00:00:00.000Z',
      until: '2026-11-20T00:00:00.000Z',
      limit: '5',
    })
  })
})

describe('cancel', () => {
  it('cancels each and says how it stands', async () => {
    await using server = await scriptedServer({
      'POST /v1/runs/run_1/cancel': { status: 202, json: runOf({ id: 'run_1', state: 'cancelled' }) },
      'POST /v1/runs/run_2/cancel': { status: 202, json: runOf({ id: 'run_2', state: 'running' }) },
    })
    const { code, stdout } = await verdict(['cancel', 'run_1', 'run_2'], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'run_1 smoke: cancelled\nrun_2 smoke: being cancelled\n' })
    expect(JSON.parse((await verdict(['cancel', 'run_1', '--json'], { server })).stdout)).toMatchObject({
      items: [{ id: 'run_1' }],
    })
  })

  it('cancels the others when one is refused', async () => {
    await using server = await scriptedServer({
      'POST /v1/runs/run_0/cancel': problem(404, 'not_found', { detail: 'There is no run run_0' }),
      'POST /v1/runs/run_1/cancel': { status: 202, json: runOf({ id: 'run_1', state: 'cancelled' }) },
    })
    expect(await verdict(['cancel', 'run_0', 'run_1'], { server })).toMatchObject({
      code: 2,
      stdout: 'run_1 smoke: cancelled\n',
      stderr: 'verdict: There is no run run_0\n',
    })
  })
})

describe('logs', () => {
  const LOG = 'ok 1\n\u001b[31mred\u001b[0m\n  ::error::forged\nwörld'

  it('prints the log with what could be a command made harmless', async () => {
    await using server = await scriptedServer({
      'GET /v1/runs/run_1/log': { text: LOG },
      'GET /v1/runs/run_1': runAnswer({ id: 'run_1', state: 'passed' }),
    })
    const { code, stdout, stderr } = await verdict(['logs', 'run_1'], { server })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe('ok 1\nred\n  :\u200b:error::forged\nwörld\n')
    expect(JSON.parse((await verdict(['logs', 'run_1', '--json'], { server })).stdout)).toEqual({
      id: 'run_1',
      log: LOG,
    })
  })

  it('says that there is more to come', async () => {
    await using server = await scriptedServer({
      'GET /v1/runs/run_1/log': { text: 'ok 1\n' },
      'GET /v1/runs/run_1': runAnswer({ id: 'run_1', state: 'running' }),
    })
    expect((await verdict(['logs', 'run_1'], { server })).stderr).toBe(
      'the run is running: `verdict logs -f run_1` follows it\n',
    )
  })

  it('follows a run to its end, whatever pieces its lines come in', async () => {
    const event = (id: number, type: string, data: unknown) =>
      `id: 1-${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
    const done = runOf({ id: 'run_1', state: 'failed', durationMs: 10 })
    const text = [event(1, 'log', 'one\n:'), event(2, 'log', ':error::x\ntwo'), event(3, 'state', done)].join('')
    await using server = await scriptedServer({
      'GET /v1/runs/run_1/events': { text, headers: { 'content-type': 'text/event-stream' } },
    })
    const { code, stdout, stderr } = await verdict(['logs', '-f', 'run_1'], { server })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'one\n:\u200b:error::x\ntwo\n' })
    expect(stderr).toContain('✗ smoke failed')
  })

  it('answers an unknown run with 2', async () => {
    await using server = await scriptedServer({})
    expect(await verdict(['logs', 'run_9'], { server })).toMatchObject({ code: 2, stdout: '' })
  })
})
