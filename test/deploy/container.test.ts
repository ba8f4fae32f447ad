import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestProcess } from '../support/e2e-process.ts'
import { temporaryFolder } from '../support/folder.ts'
import { workerBundle } from '../support/oci-bundle.ts'
import { missingForSandbox } from '../support/sandbox-tools.ts'
import { startServer, type TestServer } from '../support/server.ts'

// The worker in a real container (runc) with what deploy/compose.yaml gives it; only the image is not the built one.

const missing = missingForSandbox(['bwrap', 'slirp4netns', 'runc'])

describe.skipIf(missing !== undefined)(`the container of a worker${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: TestServer
  let key: string
  const folder = temporaryFolder('verdict-container-')
  const state = join(folder, 'state')
  const started: string[] = []

  beforeAll(async () => {
    chmodSync(folder, 0o711)
    server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_ROLES: 'api' } })
    key = (await server.request('POST', '/v1/workers', { json: { name: 'container' } })).json.key
  })
  afterAll(async () => {
    for (const name of started) execFileSync('runc', ['--root', state, 'delete', '--force', name])
    await server?.stop()
  })

  function start(without: readonly string[] = []): TestProcess {
    const bundle = mkdtempSync(join(folder, 'bundle-'))
    chmodSync(bundle, 0o711)
    const env = {
      VERDICT_URL: server.url,
      VERDICT_WORKER_KEY: key,
      VERDICT_RUNNER: 'sandbox',
      VERDICT_WORKER_SLOTS: '1',
    }
    workerBundle(bundle, env, without)
    const name = `verdict-test-${process.pid}-${started.length}`
    started.push(name)
    return new TestProcess({ program: 'runc', args: ['--root', state, 'run', name], cwd: bundle })
  }

  it('runs suites in a sandbox with a network of their own, as no user of the machine', {
    timeout: 60_000,
  }, async () => {
    const worker = start()
    await worker.says(/works for the workspace/)
    const definition = { network: 'internet', run: 'id -u; cat /proc/net/dev; node -e 0 && echo node' }
    const { json } = await server.request('POST', '/v1/runs', { json: { suite: 'smoke', definition } })
    const ended = await server.request('GET', `/v1/runs/${json.id}`, { headers: { prefer: 'wait=30' } })
    const log = (await server.request('GET', `/v1/runs/${json.id}/log`)).text
    expect(ended.json, `${ended.text}\n${log}\n${worker.stderr}`).toMatchObject({ state: 'passed' })
    expect(log).toMatch(/^1000\n[\s\S]*tap0[\s\S]*node/)
    // What `docker stop` sends, by the container's runtime.
    execFileSync('runc', ['--root', state, 'kill', started[0] as string, 'TERM'])
    expect((await worker.ended).exitCode).toBe(0)
  })

  it.each([
    ['seccomp', /Operation not permitted/],
    ['systempaths', /Can't mount proc/],
  ])('needs its security option %s: without it there is no sandbox, and the worker says so', async (option, why) => {
    const { exitCode, stderr } = await start([option]).ended
    expect(exitCode).toBe(1)
    expect(stderr).toContain('can run no suite, and claims none')
    expect(stderr).toMatch(why)
  })
})
