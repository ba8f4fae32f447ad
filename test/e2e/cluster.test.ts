import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../client/index.ts'
import { API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../contract/tokens.ts'
import { caseOf } from '../server/hand-worker.ts'
import { type Cluster, type Member, openCluster } from '../support/e2e-cluster.ts'
import { workOver } from '../support/http-worker.ts'
import { startMongo, type TestMongo, whyNoMongo } from '../support/mongo.ts'

// Two API nodes, one sender and two workers by HTTP, as real processes on one store.

const why = whyNoMongo()
const isGiven = Boolean(process.env.VERDICT_TEST_MONGODB_URL)
const unstoppable = isGiven ? ' (skipped: the server of VERDICT_TEST_MONGODB_URL is not ours to stop)' : ''
/** CI has more of them. */
const RUNS = Number(process.env.VERDICT_TEST_CLUSTER_RUNS || 60)
/** The order in which processes are killed, and when; a failure tells it, so that it can be had again. */
const SEED = Number(process.env.VERDICT_TEST_CLUSTER_SEED || Date.now() % 1_000_000)
const ONE_PASSED = { total: 1, passed: 1, failed: 0, skipped: 0, errored: 0, flaky: 0 }
/** Shorter than in service: it ends while the store is away. */
const LEASE_SECONDS = 10
/** A lost run is taken back after its lease, and at the earliest so long after its last looker-after began. */
const PATIENCE_MS = 120_000 + RUNS * 500

describe.skipIf(why)(why ?? 'two API nodes, a sender and two workers on one MongoDB', { timeout: PATIENCE_MS }, () => {
  let mongo: TestMongo
  let cluster: Cluster
  let receiver: Receiver
  let a: Client
  let b: Client
  beforeAll(async () => {
    mongo = await startMongo(isGiven ? {} : { durable: true })
    receiver = await receive()
    const database = new URL(mongo.database())
    database.searchParams.set('serverSelectionTimeoutMS', '2000')
    cluster = await openCluster({
      database: database.href,
      env: {
        VERDICT_ALLOWED_PRIVATE_CIDRS: `127.0.0.1:${receiver.port}`,
        VERDICT_TEST_LEASE_SECONDS: String(LEASE_SECONDS),
      },
    })
    ;[a, b] = cluster.urls.map((url) => cluster.client(url)) as [Client, Client]
    await a.callbacks.create({ kind: 'standard', url: receiver.url, events: ['run.finished'] })
  })
  afterEach(() => expect(cluster.leaks.found()).toEqual([]))
  afterAll(async () => {
    await cluster?.close()
    receiver?.server.close()
    await mongo?.stop()
  })

  const tokenOf = async (url: string, key: string): Promise<string> => {
    const form = { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: key, subject_token_type: API_KEY_TOKEN_TYPE }
    const answer = await fetch(`${url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) })
    return ((await answer.json()) as { access_token: string }).access_token
  }
  const call = (url: string, token: string) => fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${token}` } })

  it('take tokens of each other, and refuse within a second what another one revoked', async () => {
    const [urlA, urlB] = cluster.urls as [string, string]
    const made = await a.keys.create({ name: 'to be revoked' })
    const token = await tokenOf(urlA, cluster.leaks.secret(made.key))
    expect((await call(urlB, token)).status).toBe(200)
    const revoking = performance.now()
    await a.keys.revoke(made.id)
    // A node that is too late to know answers 503: never 200 after a second.
    const seen: { status: number; ms: number }[] = []
    do {
      const asked = performance.now() - revoking
      seen.push({ status: (await call(urlB, token)).status, ms: asked })
      await pause(20)
    } while (performance.now() - revoking < 2000 && seen.at(-1)?.status !== 401)
    expect(seen.at(-1)?.status).toBe(401)
    expect(seen.filter(({ status, ms }) => status === 200 && ms > 1000)).toEqual([])
    expect((await call(urlA, token)).status).toBe(401)
  })

  it('answer a waiter at one node when the run ends at the other', async () => {
    const { key } = await a.workers.create({ name: 'by hand', labels: ['hand'] })
    const { work, close } = workOver(cluster.urls[1] as string, cluster.leaks.secret(key))
    const took: number[] = []
    for (let n = 0; n < 10; n++) {
      const definition = { run: 'true', runsOn: ['hand'] }
      const { run } = await a.runs.create({ suite: 'by-hand', definition })
      const job = await work.claim({ labels: ['hand'], runner: 'process' }, 5000, new AbortController().signal)
      expect(job?.lease.run).toBe(run.id)
      const waiting = a.runs.wait(run.id, { known: await a.runs.get(run.id) })
      await work.cases(job!.lease, 1, [caseOf('works')])
      await pause(200)
      const finishing = performance.now()
      expect(await work.finish(job!.lease, { results: ONE_PASSED, reason: null })).toBe('accepted')
      expect(await waiting).toMatchObject({ state: 'passed' })
      took.push(performance.now() - finishing)
    }
    close()
    took.sort((left, right) => left - right)
    const median = took[5] as number
    console.info(`a run that ended at node b answered a waiter at node a in ${took.map(Math.round).join(' ')} ms`)
    expect(median).toBeLessThan(1000)
  })

  /** Triggers runs through both nodes in turn; each client waits at its own. */
  function triggerAll(suite: string, count: number) {
    const definition = { run: 'echo "try $VERDICT_ATTEMPT of $VERDICT_RUN_ID"; sleep 1', attempts: 3 }
    return Array.from({ length: count }, async (_, n) => {
      await pause(n * 250)
      const client = n % 2 === 0 ? a : b
      const { run } = await client.runs.create({ suite, definition }, { patienceMs: PATIENCE_MS })
      return client.runs.wait(run.id, { known: run })
    })
  }

  /** Resolves once the worker is in the middle of a run. */
  async function busy({ name }: Member): Promise<void> {
    const running = async () => {
      for await (const worker of cluster.client(cluster.balancer.url).workers.list())
        if (worker.name === name) return worker.running.length
      return 0
    }
    await expect.poll(running, { timeout: 30_000, interval: 100 }).toBeGreaterThan(0)
  }

  /** One verdict each: for its client, for both nodes, and for who is called back. Answers how many runs started anew. */
  async function expectOneVerdictEach(
    suite: string,
    clients: Promise<{ id: string; state: string; attempt: number }>[],
  ) {
    const answers = await Promise.all(clients)
    const again = answers.filter(({ attempt }) => attempt > 1).length
    console.info(`${suite}: ${answers.length} runs, ${again} of them lost with their worker and started anew`)
    const states = answers.map(({ state }) => state)
    expect(states, `seed ${SEED}`).toEqual(states.map(() => 'passed'))
    const ids = answers.map(({ id }) => id).sort()
    for (const client of [a, b]) {
      const known: string[] = []
      for await (const run of client.runs.list({ suite })) {
        expect(run).toEqual(answers.find(({ id }) => id === run.id))
        known.push(run.id)
      }
      // None twice, though its request may have been sent twice.
      expect(known.sort()).toEqual(ids)
    }
    await expect.poll(() => ids.filter((id) => !receiver.events.has(id)), { timeout: 60_000 }).toEqual([])
    expect(ids.filter((id) => receiver.events.get(id)?.size !== 1)).toEqual([])
    return again
  }

  it.skipIf(isGiven)(
    `end every run in one verdict though the store is away for ten seconds, and say meanwhile that it is${unstoppable}`,
    async () => {
      const clients = triggerAll('outage', Math.round(RUNS / 2))
      for (const client of clients) client.catch(() => {})
      const token = await tokenOf(cluster.urls[0] as string, cluster.key)
      await pause(1500)
      await mongo.kill()
      const away = performance.now()
      await pause(2500)
      for (const url of cluster.urls) {
        expect((await fetch(`${url}/readyz`)).status).toBe(503)
        expect((await fetch(`${url}/livez`)).status).toBe(200)
        // Nothing is read for it, but who was revoked meanwhile is not known.
        const refused = await call(url, token)
        expect(refused.status).toBe(503)
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      }
      await pause(10_000 - (performance.now() - away))
      await mongo.restart()
      for (const url of cluster.urls)
        await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 30_000 }).toBe(200)
      await expectOneVerdictEach('outage', clients)
    },
  )

  it(`end each of ${RUNS} runs in one verdict though they are killed at random and started again`, async () => {
    const random = seeded(SEED)
    const clients = triggerAll('chaos', RUNS)
    for (const client of clients) client.catch(() => {})
    const killed: string[] = []
    // Each at least once, in any order; and more of them the more runs there are.
    const victims: Member[] = shuffled(cluster.members, random)
    for (let more = 0; more < Math.floor(RUNS / 50); more++)
      victims.push(shuffled([...cluster.nodes, cluster.sender], random)[0] as Member)
    for (const victim of victims) {
      await pause(200 + random() * 600)
      if (cluster.workers.includes(victim)) await busy(victim)
      await victim.kill()
      killed.push(victim.name)
      await pause(random() * 500)
      await victim.start()
    }
    console.info(`seed ${SEED}: killed ${killed.join(', ')}`)
    // Were it none, nothing was tried.
    expect(await expectOneVerdictEach('chaos', clients), `seed ${SEED}`).toBeGreaterThan(0)
  })

  it('end in order when they are asked to', async () => {
    for (const { process } of cluster.members) process.signal('SIGTERM')
    const ended = await Promise.all(
      cluster.members.map(async ({ name, process }) => [name, (await process.ended).exitCode]),
    )
    expect(ended).toEqual(cluster.members.map(({ name }) => [name, 0]))
  })
})

interface Receiver {
  readonly server: Server
  readonly url: string
  readonly port: number
  /** Run → the ids of the events that told of its end; one event may come twice. */
  readonly events: Map<string, Set<string>>
}

async function receive(): Promise<Receiver> {
  const events = new Map<string, Set<string>>()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { data } = JSON.parse(body) as { data: { id: string } }
    const ids = events.get(data.id) ?? new Set()
    events.set(data.id, ids.add(String(request.headers['webhook-id'])))
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}/hook`, port, events }
}

/** mulberry32: numbers from 0 to 1 that a seed gives again. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([left], [right]) => left - right)
    .map(([, item]) => item)
}
