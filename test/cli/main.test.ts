import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { VERSION } from '../../contract/version.ts'
import { KEY, runOf, scriptedServer } from '../client/scripted-server.ts'
import { BASICS } from '../support/e2e-process.ts'
import { checkout } from './checkout.ts'
import { gateServer, TREE } from './gate-server.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** The program as a process of its own. */
function start(argv: string[], env: Record<string, string> = {}, cwd?: string) {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: { ...BASICS, HOME: '/nonexistent', ...env },
    cwd,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    exit: once(child, 'exit') as Promise<[number | null, string | null]>,
  }
}

describe('the process', () => {
  it.each(['--version', '-V'])('answers %s', async (flag) => {
    const on = start([flag])
    expect(await on.exit).toEqual([0, null])
    expect([on.stdout(), on.stderr()]).toEqual([`${VERSION}\n`, ''])
  })

  it('exits with the code of the command and says why on standard error', async () => {
    const on = start(['runs', '--bad'])
    expect(await on.exit).toEqual([2, null])
    expect(on.stderr()).toContain("unknown option '--bad'")
  })

  it('does not linger on idle connections', async () => {
    await using server = await scriptedServer({ 'GET /v1/runs': { json: { items: [runOf()], next: null } } })
    const on = start(['runs'], { VERDICT_URL: server.url, VERDICT_API_KEY: KEY })
    expect(await on.exit).toEqual([0, null])
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('cancels its runs on %s and exits with %i', async (signal, code) => {
    await using server = await gateServer({ smoke: { state: 'running', version: 2 } })
    const on = start(['run', 'smoke'], { VERDICT_URL: server.url, VERDICT_API_KEY: KEY }, checkout(TREE))
    await expect.poll(on.stdout, { timeout: 20_000 }).toContain('smoke running')
    on.child.kill(signal)
    expect(await on.exit).toEqual([code, null])
    expect(server.of('POST /v1/runs/run_smoke/cancel')).toHaveLength(1)
  })

  it('ends quietly when nobody reads on', async () => {
    const items = Array.from({ length: 2000 }, (_, n) => runOf({ id: `run_${n}`, suite: 'x'.repeat(90) }))
    await using server = await scriptedServer({ 'GET /v1/runs': { json: { items, next: null } } })
    const on = start(['runs', '--limit', '2000'], { VERDICT_URL: server.url, VERDICT_API_KEY: KEY })
    on.child.stdout.destroy()
    expect(await on.exit).toEqual([0, null])
    expect(on.stderr()).toBe('')
  })
})
