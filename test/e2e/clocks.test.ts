import { execFileSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../client/index.ts'
import type { Run } from '../../contract/runs.ts'
import { API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../contract/tokens.ts'
import { type Cluster, openCluster, shiftedClock } from '../support/e2e-cluster.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'

// Real processes on one store, whose clocks are ten minutes apart.

const why = whyNoMongo()
const AHEAD_MS = 5 * 60_000
const CLOCKS = {
  'node a': AHEAD_MS,
  'node b': -AHEAD_MS,
  sender: AHEAD_MS,
  'worker a': -AHEAD_MS,
  'worker b': AHEAD_MS,
}
/** As long as leases are here, and sweepers wait after their start (domain/work.ts, domain/queue-keeper.ts). */
const LEASE_MS = 10_000
const TOKEN_SECONDS = 60

describe.skipIf(why)(why ?? 'processes whose clocks are ten minutes apart', { timeout: 240_000 }, () => {
  let mongo: TestMongo
  let cluster: Cluster
  let a: Client
  let b: Client
  /** A run of longer than a lease, triggered at node a, and its end as node b tells it. */
  let alive: Promise<{ ended: Run; waits: string }>
  /** A token of each node. */
  let tokens: string[]
  beforeAll(async () => {
    mongo = await startMongo()
    const env = {
      VERDICT_TOKEN_TTL_SECONDS: String(TOKEN_SECONDS),
      VERDICT_TEST_LEASE_SECONDS: String(LEASE_MS / 1000),
    }
    cluster = await openCluster({ database: mongo.database(), env, clocks: CLOCKS })
    ;[a, b] = cluster.urls.map((url) => cluster.client(url)) as [Client, Client]
    alive = runFor(LEASE_MS + 15_000)
    alive.catch(() => {})
  })
  afterEach(() => expect(cluster.leaks.found()).toEqual([]))
  afterAll(async () => {
    await cluster?.close()
    await mongo?.stop()
  })

  const tokenOf = async (url: string): Promise<string> => {
    const key = { subject_token: cluster.key, subject_token_type: API_KEY_TOKEN_TYPE }
    const form = new URLSearchParams({ grant_type: TOKEN_EXCHANGE_GRANT, ...key })
    const answer = await fetch(`${url}/oauth/token`, { method: 'POST', body: form })
    return cluster.leaks.secret(((await answer.json()) as { access_token: string }).access_token)
  }
  /** A node that on a busy machine cannot know of revocations for a moment answers 503, and is asked again. */
  async function call(url: string, token: string): Promise<number> {
    for (;;) {
      const { status } = await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${token}` } })
      if (status !== 503) return status
      await pause(100)
    }
  }
  const isRunning = (client: Client, id: string) =>
    expect.poll(async () => (await client.runs.get(id)).state, { timeout: 30_000 }).toBe('running')

  async function runFor(ms: number) {
    const limits = { queueTimeoutSeconds: 240, abandonAfterSeconds: 240 }
    const waits = await a.runs.create({ suite: 'waits', definition: { run: 'true', runsOn: ['nowhere'] }, ...limits })
    const { run } = await a.runs.create({ suite: 'alive', definition: { run: `sleep ${ms / 1000}` }, ...limits })
    return { ended: await b.runs.wait(run.id, { known: run }), waits: waits.run.id }
  }

  it('have wrong clocks', () => {
    const script =
      '[Date.now(), +new Date(), Date.parse(Date()), +new Date(5), new Date() instanceof Date ? 1 : 0].join()'
    const env = { PATH: process.env.PATH, ...shiftedClock(-AHEAD_MS) }
    const [now, made, said, given, isDate] = execFileSync(process.execPath, ['-p', script], { env })
      .toString()
      .split(',')
      .map(Number)
    for (const time of [now, made, said]) expect(Math.abs(time! + AHEAD_MS - Date.now())).toBeLessThan(30_000)
    expect([given, isDate]).toEqual([5, 1])
  })

  it('take tokens of each other', async () => {
    tokens = await Promise.all(cluster.urls.map(tokenOf))
    for (const token of tokens) {
      // By the clock of the store, which is this machine's, too.
      const { iat = 0, exp = 0 } = decodeJwt(token)
      expect(Math.abs(iat - Date.now() / 1000)).toBeLessThan(30)
      expect(exp - iat).toBe(TOKEN_SECONDS)
      for (const url of cluster.urls) expect(await call(url, token)).toBe(200)
    }
  })

  it('take back no run that is alive, nor end one that waits, though the one that looks after them is ahead', async () => {
    // A whole lease and some looks, in which its heartbeats alone kept it.
    const { ended, waits } = await alive
    expect(ended).toMatchObject({ state: 'passed', attempt: 1 })
    expect(ended.durationMs).toBeGreaterThan(LEASE_MS)
    expect(ended.durationMs).toBeLessThan(AHEAD_MS)
    expect(Math.abs(Date.parse(ended.finishedAt as string) - Date.now())).toBeLessThan(120_000)
    expect(await a.runs.get(ended.id)).toEqual(ended)
    expect((await b.runs.get(waits)).state).toBe('queued')
    await b.runs.cancel(waits)
  })

  it('take back a lost run when its lease is over, not before and not minutes later, at a node that is behind', async () => {
    const definition = { run: 'if [ "$VERDICT_ATTEMPT" = 1 ]; then sleep 200; fi', attempts: 2 }
    const { run } = await a.runs.create({ suite: 'lost', definition })
    await isRunning(a, run.id)
    const busy: string[] = []
    for await (const worker of a.workers.list()) if (worker.running.length > 0) busy.push(worker.name)
    expect(busy).toHaveLength(1)
    const [nodeA] = cluster.nodes
    await cluster.workers.find(({ name }) => name === busy[0])!.kill()
    const killed = performance.now()
    await nodeA!.kill()
    await expect.poll(async () => (await b.runs.get(run.id)).attempt, { timeout: 120_000, interval: 200 }).toBe(2)
    const takenAfter = performance.now() - killed
    console.info(`the run of a killed worker was claimed again after ${(takenAfter / 1000).toFixed(1)} s`)
    // Its last heartbeat came a third of a lease before, at the earliest.
    expect(takenAfter).toBeGreaterThan(LEASE_MS / 2)
    const ended = await b.runs.wait(run.id, { known: await b.runs.get(run.id) })
    expect(ended).toMatchObject({ state: 'passed', attempt: 2 })
    await nodeA!.start()
    expect(await a.runs.get(run.id)).toEqual(ended)
  })

  it('take tokens no longer than they are meant to live', async () => {
    // By the clock of the store, which is this machine's, too.
    const over = Math.max(...tokens.map((token) => decodeJwt(token).exp ?? 0)) * 1000
    await pause(over + 3000 - Date.now())
    for (const token of tokens) for (const url of cluster.urls) expect(await call(url, token)).toBe(401)
  })
})
