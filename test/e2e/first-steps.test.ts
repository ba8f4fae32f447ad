import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { shop } from '../support/e2e-tree.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(() => stage.close())

it('`verdict init` writes a suite file that `verdict run` runs, and a workflow', async () => {
  const { 'verdict.yaml': _, ...files } = shop()
  const cwd = await stage.checkout({
    ...files,
    'package.json': '{ "type": "module", "scripts": { "test": "node --test" } }\n',
  })
  const written = await stage.verdict(['init', '--ci', 'github', '--json'], { cwd })
  expect(written.exitCode, written.stderr).toBe(0)
  expect(JSON.parse(written.stdout).files).toEqual([
    { path: 'verdict.yaml', action: 'written' },
    { path: '.github/workflows/verdict.yml', action: 'written' },
  ])
  const ran = await stage.verdict(['run'], { cwd })
  expect(ran.exitCode, ran.stdout + ran.stderr).toBe(0)
  expect(ran.stdout).toMatch(/unit passed: 2 passed/)
})

it('`verdict doctor` finds a new server and its CI key in order, and shows no key', async () => {
  const { exitCode, stdout, stderr } = await stage.verdict(['doctor', '--json'])
  expect(exitCode, stderr).toBe(0)
  const { checks } = JSON.parse(stdout) as { checks: { check: string; state: string }[] }
  const states = Object.fromEntries(checks.map(({ check, state }) => [check, state]))
  // The runner is what this machine has.
  expect({ ...states, runner: 'ok' }).toEqual(
    Object.fromEntries(
      ['settings', 'proxy', 'server', 'version', 'clock', 'key', 'scopes', 'runner'].map((check) => [check, 'ok']),
    ),
  )
})

it('`verdict doctor` says at which check a revoked key fails', async () => {
  const key = await stage.makeKey('gone')
  for await (const { id, name } of stage.client.keys.list()) if (name === 'gone') await stage.client.keys.revoke(id)
  const { exitCode, stdout } = await stage.verdict(['doctor'], { env: { VERDICT_API_KEY: key } })
  expect(exitCode).toBe(3)
  expect(stdout).toMatch(/^failed +key .*revoked/m)
})
