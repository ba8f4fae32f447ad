import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { LossyProxy } from '../support/e2e-lossy-proxy.ts'
import { openStage, type Stage } from '../support/e2e-stage.ts'
import { shop } from '../support/e2e-tree.ts'
import { freePort } from '../support/server.ts'

let stage: Stage
const proxies: LossyProxy[] = []
beforeAll(async () => {
  stage = await openStage()
})
afterEach(() => expect(stage.leaks.found()).toEqual([]))
afterAll(async () => {
  for (const proxy of proxies) await proxy.close()
  await stage?.close()
})

it.each([
  { what: 'the trigger', request: 'POST /v1/runs HTTP/1.1' },
  { what: 'the upload', request: 'PUT /v1/archives/' },
  { what: 'the token exchange', request: 'POST /oauth/token HTTP/1.1' },
  { what: 'the wait', request: 'prefer: wait=' },
])('a lost answer to $what is asked for again, and makes one run', async ({ request }) => {
  const proxy = await new LossyProxy(stage.url, request).listen()
  proxies.push(proxy)
  const before = await stage.runsOf('price')
  // Another tree each time, so that each has something to upload.
  const cwd = await stage.tree({ ...shop(), note: request })
  const ended = await stage.verdict(['run', '--json'], { cwd, env: { VERDICT_URL: proxy.url } })
  expect(ended.exitCode, ended.stderr).toBe(0)
  expect(proxy.lost).toBe(1)
  expect(proxy.requests).toBeGreaterThan(1)
  const [run] = JSON.parse(ended.stdout).runs
  const made = (await stage.runsOf('price')).filter(({ id }) => before.every((one) => one.id !== id))
  expect(made.map(({ id }) => id)).toEqual([run.id])
})

it('a server that is not there is given up, with exit code 4 and what was tried', { timeout: 100_000 }, async () => {
  const cwd = await stage.suites({ lonely: { run: 'true' } })
  const url = `http://127.0.0.1:${await freePort()}`
  const ended = await stage.verdict(['run', '--wait-timeout', '3s'], { cwd, env: { VERDICT_URL: url } })
  expect(ended.exitCode, ended.stdout).toBe(4)
  expect(ended.stdout + ended.stderr).toContain(url)
})
