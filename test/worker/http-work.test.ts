import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type CallerOptions, createCaller, systemClock, systemRandom } from '../../client/index.ts'
import { nodeTransport } from '../../transport/node/node.ts'
import type { GitSetup } from '../../worker/git-source.ts'
import { httpWork, type Refusal } from '../../worker/http-work.ts'
import { type RunningWorker, startWorker } from '../../worker/loop.ts'
import { makeProcessRunner } from '../../worker/runner/process/process-runner.ts'
import { MovableClock } from '../support/clock.ts'
import { temporaryFolder } from '../support/folder.ts'
import { TestProxy } from '../support/proxy.ts'
import { freePort, startServer, type TestServer } from '../support/server.ts'

const FACTS = { labels: ['linux'], runner: 'process' }
const NEVER = new AbortController().signal
const PASSED = { results: { total: 1, passed: 1, failed: 0, skipped: 0, errored: 0, flaky: 0 }, reason: null }

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function newFolder(): Promise<string> {
  const folder = temporaryFolder('verdict-http-work-')
  return folder
}

function work(url: string, apiKey: string, more: Partial<CallerOptions> = {}, env: Record<string, string> = {}) {
  const transport = nodeTransport({ env })
  cleanUps.push(() => transport.close())
  const refusals: Refusal[] = []
  const around = { clock: systemClock, random: systemRandom, userAgent: 'verdict-worker/0' }
  const server = httpWork(createCaller({ url, apiKey, transport, ...around, ...more }), {
    version: '0.0.0-test',
    onRefused: (refusal) => refusals.push(refusal),
  })
  return { server, refusals }
}

/** A server that can be ended and started again where it was. */
async function lastingServer() {
  const [dataDir, port] = [await newFolder(), await freePort()]
  const env = { VERDICT_RUNNER: 'none', VERDICT_ROLES: 'api', VERDICT_PORT: String(port) }
  const first = await startServer({ dataDir, env })
  let running: TestServer | undefined = first
  cleanUps.push(() => running?.stop())
  const { json } = await first.request('POST', '/v1/workers', { json: { name: 'builder' } })
  const start = () => startServer({ dataDir, env })
  return {
    url: first.url,
    key: json.key as string,
    adminKey: first.key,
    current: () => running as TestServer,
    async stop() {
      await running?.stop()
      running = undefined
    },
    async start() {
      running = await start()
    },
  }
}
type LastingServer = Awaited<ReturnType<typeof lastingServer>>

async function runningWorker(server: LastingServer, clock = new MovableClock()) {
  const runner = await makeProcessRunner({
    baseFolder: await newFolder(),
    nodePath: process.execPath,
    toolPath: '/usr/local/bin:/usr/bin:/bin',
    maximum: { memoryBytes: 2 ** 40, processes: 100_000, diskBytes: 2 ** 40 },
  })
  const quiet = () => {}
  const worker: RunningWorker = startWorker({
    work: work(server.url, server.key).server,
    runner,
    git: {} as GitSetup,
    slots: 1,
    labels: ['linux'],
    graceMs: 0,
    clock,
    random: () => 0.5,
    log: { info: quiet, warn: quiet, error: quiet },
  })
  const ticking = setInterval(() => clock.advance(100), 10)
  cleanUps.push(async () => {
    await worker.stop()
    clearInterval(ticking)
  })
  return { worker, clock }
}

async function until<T>(read: () => Promise<T> | T, wanted: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (wanted(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const start = async (server: LastingServer, run: string) =>
  (await server.current().request('POST', '/v1/runs', { json: { suite: 'smoke', definition: { run } } })).json
    .id as string

async function read(server: LastingServer, run: string) {
  const token = await server.current().token(undefined, server.adminKey)
  return (await server.current().request('GET', `/v1/runs/${run}`, { token })).json
}

describe('while the server is away', () => {
  it('a run goes on, and its verdict and output are handed in when it is back', { timeout: 30_000 }, async () => {
    const server = await lastingServer()
    const { worker } = await runningWorker(server)
    const folder = await newFolder()
    const run = await start(
      server,
      `touch ${folder}/begun; while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo done`,
    )
    await until(() => existsSync(join(folder, 'begun')), Boolean)
    await server.stop()
    writeFileSync(join(folder, 'go'), '')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(worker.running()).toBe(1)
    await server.start()
    const ended = await until(
      () => read(server, run),
      ({ state }) => state !== 'running',
    )
    expect(ended).toMatchObject({ state: 'passed', attempt: 1 })
    const token = await server.current().token(undefined, server.adminKey)
    expect((await server.current().request('GET', `/v1/runs/${run}/log`, { token })).text).toContain('done')
  })

  it('a run is killed after five minutes without an answer, and goes back when there is one', {
    timeout: 60_000,
  }, async () => {
    const server = await lastingServer()
    const { worker, clock } = await runningWorker(server)
    const folder = await newFolder()
    const run = await start(server, `echo $$ > ${folder}/pid; exec sleep 600`)
    await until(() => existsSync(join(folder, 'pid')) && readFileSync(join(folder, 'pid'), 'utf8') !== '', Boolean)
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
    const isAlive = () => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    await server.stop()
    clock.advance(4.5 * 60_000)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(isAlive()).toBe(true)
    clock.advance(60_000)
    await until(isAlive, (alive) => !alive)
    expect(worker.running()).toBe(1)
    await server.start()
    // It is handed back with nothing lost, and the same worker takes it again.
    const again = await until(
      () => read(server, run),
      ({ attempt }) => attempt === 2,
    )
    expect(again).toMatchObject({ state: 'running' })
  })
})

describe('a proxy', () => {
  it('is gone through for everything', async () => {
    const server = await lastingServer()
    const proxy = await new TestProxy().listen()
    cleanUps.push(() => proxy.close())
    const url = server.url.replace('127.0.0.1', 'verdict.example.com')
    const { server: way } = work(url, server.key, { allowHttp: true }, { http_proxy: proxy.url })
    const run = await start(server, 'true')
    expect(await way.hello(FACTS)).toMatchObject({ worker: { name: 'builder' } })
    const job = await way.claim(FACTS, 0, NEVER)
    expect(job?.lease.run).toBe(run)
    expect(await way.artifact(job!.lease, 'a/b.txt', (async function* () {})())).toBe('accepted')
    expect(await way.finish(job!.lease, PASSED)).toBe('accepted')
    expect(proxy.asked.map((line) => line.replace(/^(\w+) .*\/(\w[\w.%]*)$/, '$1 $2'))).toEqual([
      'POST token',
      'POST hello',
      'POST claim',
      'PUT a%2Fb.txt',
      'POST finish',
    ])
  })

  it.each([404, 403])(
    'that answers %i itself is no refusal of the server',
    async (status) => {
      const page = createServer((_request, response) => response.writeHead(status).end('<h1>sorry</h1>'))
      await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
      cleanUps.push(() => new Promise((resolve) => page.close(resolve)))
      const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
      const server = await lastingServer()
      const { server: way, refusals } = work(url, server.key)
      const claim = way.claim(FACTS, 0, NEVER)
      await expect(claim).rejects.toMatchObject({ code: 'not_verdict', status })
      expect(refusals).toEqual([])
    },
    30_000,
  )
})
