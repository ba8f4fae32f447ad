import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Run } from '../../contract/runs.ts'
import { fastClock, KEY, runAnswer, runOf, scriptedServer } from '../client/scripted-server.ts'
import { checkout } from './checkout.ts'
import { gateServer, PASSED, TREE } from './gate-server.ts'
import { machine } from './machine.ts'

describe('signals', () => {
  const RUNNING: Partial<Run> = { state: 'running', version: 2 }

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s cancels the remote runs and exits with %i', async (signal, code) => {
    await using server = await gateServer({ smoke: RUNNING })
    const on = machine({ cwd: checkout(TREE), env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY } })
    const done = on.run('run', 'smoke', '--junit-file', 'r.xml')
    await expect.poll(on.stdout).toContain('smoke running')
    on.signal(signal)
    expect(await done).toBe(code)
    expect(server.of('POST /v1/runs/run_smoke/cancel')).toHaveLength(1)
    expect(on.stdout()).toContain(`${signal}: cancelling the runs`)
    expect(on.stdout()).toMatch(/⊘ smoke cancelled/)
    expect(await readFile(join(on.host.cwd, 'r.xml'), 'utf8')).toContain('<error')
    expect(on.exits).toEqual([])
  })

  it('a second one leaves at once', async () => {
    await using server = await gateServer({ smoke: RUNNING }, { 'POST /v1/runs/run_smoke/cancel': { raw: () => {} } })
    const on = machine({ cwd: checkout(TREE), env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY } })
    const done = on.run('run', 'smoke')
    await expect.poll(on.stdout).toContain('smoke running')
    on.signal('SIGINT')
    on.signal('SIGINT')
    expect(on.exits).toEqual([130])
    expect(await done).toBe(130)
  })
})

describe('run, on a terminal', () => {
  it('keeps a live line below what stays, and takes it away at the end', async () => {
    let end = false
    await using server = await scriptedServer({
      'GET /v1/suites/smoke': {
        json: { name: 'smoke', revision: 7, definition: { timeoutSeconds: 60 }, updatedAt: '2026-11-20T00:00:00.000Z' },
      },
      'POST /v1/runs': { status: 202, json: runOf({ id: 'run_smoke' }) },
      'GET /v1/runs/run_smoke': async (_, nth) => {
        if (nth > 1) while (!end) await new Promise((resolve) => setTimeout(resolve, 10))
        return runAnswer({
          id: 'run_smoke',
          ...(nth > 1 ? PASSED : { state: 'running', version: 2, startedAt: new Date().toISOString() }),
        })
      },
    })
    const on = machine({ terminal: true, cwd: checkout({}), env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY } })
    const done = on.run('run', 'smoke')
    await expect.poll(on.stdout).toMatch(/\r\u001b\[Ksmoke running for \d+ ms/)
    end = true
    expect(await done).toBe(0)
    expect(on.stdout()).toContain('smoke, revision 7 of 2026-11-20\n')
    expect(on.stdout()).toMatch(/\r\u001b\[K\u001b\[32m✓ [^\r]*passed[^\r]*\n$/)
  })
})

describe('what a live line is not for', () => {
  it.each([{ TERM: 'dumb' }, { CI: 'true' }])('a terminal with %j', async (env) => {
    await using server = await gateServer({ smoke: PASSED })
    const on = machine({
      terminal: true,
      cwd: checkout(TREE),
      env: { VERDICT_URL: server.url, VERDICT_API_KEY: KEY, NO_COLOR: '1', ...env },
    })
    expect(await on.run('run', 'smoke')).toBe(0)
    expect(on.stdout()).not.toContain('\u001b')
  })
})

describe('a long run in a CI log', () => {
  it('is told of at least once a minute', async () => {
    let minutes = 0
    await using server = await scriptedServer({
      'GET /v1/runs/run_01': async (_, nth) => {
        if (nth > 1) while (minutes < 2) await new Promise((resolve) => setTimeout(resolve, 10))
        return runAnswer(nth > 1 ? PASSED : { state: 'running', version: 2, attempt: 1 })
      },
    })
    // A minute in half a second.
    const clock = fastClock(120)
    const env = { VERDICT_URL: server.url, VERDICT_API_KEY: KEY }
    const on = machine({ env, clock })
    const done = on.run('wait', 'run_01')
    await expect
      .poll(() => on.stdout().match(/^smoke running for /gm)?.length, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(2)
    minutes = 2
    expect(await done).toBe(0)
  })
})
