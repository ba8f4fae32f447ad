import { describe, expect, it } from 'vitest'
import { problem, runOf } from '../client/scripted-server.ts'
import { FAILED, gateServer, PASSED } from './gate-server.ts'
import { verdict } from './machine.ts'

describe('wait', () => {
  it('exits as run does, for runs that were started before', async () => {
    await using server = await gateServer({ smoke: PASSED, slow: FAILED })
    const { code, stdout } = await verdict(['wait', 'run_smoke', 'run_slow'], { server })
    expect(code).toBe(1)
    expect(stdout).toContain('✓ smoke passed')
    expect(stdout).toContain('✗ slow failed')
  })

  it('answers an unknown run with 2 and one object', async () => {
    await using server = await gateServer({})
    const { code, stdout } = await verdict(['wait', 'run_nope', '--json'], { server })
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ state: null, runs: [], error: { status: 404 } })
  })

  it('cancels what takes longer than --wait-timeout and exits with 5', async () => {
    await using server = await gateServer({ smoke: { state: 'running', version: 2 } })
    const { code, stdout } = await verdict(['wait', 'run_smoke', '--wait-timeout', '1s'], { server })
    expect(code).toBe(5)
    expect(stdout).toContain('✗ smoke timed out: No verdict within 1 s')
    expect(server.of('POST /v1/runs/run_smoke/cancel')).toHaveLength(1)
  })

  it.each([
    ['passed', null, 0],
    ['failed', 'suite', 1],
    ['errored', 'suite', 1],
    ['errored', 'service', 4],
    ['timed_out', null, 5],
    ['cancelled', null, 6],
  ] as const)('of a run that ended %s by the fault of %s exits with %i', async (state, fault, code) => {
    await using server = await gateServer({
      smoke: { state, version: 3, reason: { code: 'x', message: 'why', fault } },
    })
    expect((await verdict(['wait', 'run_smoke'], { server })).code).toBe(code)
  })
})

describe('rerun', () => {
  it('starts the same again with its secrets, and waits', async () => {
    await using server = await gateServer(
      { smoke: PASSED },
      { 'POST /v1/runs/run_old/rerun': { status: 202, json: runOf({ id: 'run_smoke', rerunOf: 'run_old' }) } },
    )
    const argv = ['rerun', 'run_old', '--secret', 'TOK', '--idempotency-key', 'k']
    const { code, stdout } = await verdict(argv, { server, env: { TOK: 's3cret' } })
    expect({ code, leaked: stdout.includes('s3cret') }).toEqual({ code: 0, leaked: false })
    const [trigger] = server.of('POST /v1/runs/run_old/rerun')
    expect(JSON.parse(trigger!.body.toString())).toEqual({ abandonAfterSeconds: 120, secrets: { TOK: 's3cret' } })
    expect(trigger!.headers['idempotency-key']).toBe('k')
  })

  it('says which secret is wanted', async () => {
    const detail = 'Send SHOP_TOKEN again'
    await using server = await gateServer(
      {},
      { 'POST /v1/runs/run_old/rerun': problem(422, 'secret_missing', { detail }) },
    )
    expect(await verdict(['rerun', 'run_old'], { server })).toMatchObject({ code: 2, stderr: `verdict: ${detail}\n` })
  })
})
