import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { canonicalDefinition } from '../contract/definition.ts'
import { makeSecret, sign } from '../contract/signature.ts'
import { parseAllowedCidrs } from '../egress/addresses.ts'
import { guardedEgress } from '../egress/guarded.ts'
import { systemClock as clock } from '../server/clock.ts'
import { delivering } from '../server/domain/delivering.ts'
import { callbackContext, deliveryMessages } from '../server/domain/delivery-message.ts'
import { fanOut } from '../server/domain/fan-out.ts'
import { idMaker } from '../server/domain/ids.ts'
import { deliver } from '../server/jobs/deliver.ts'
import { httpSender } from '../server/sender/http-sender.ts'
import type { Store } from '../server/store/ports/store.ts'
import { openSqliteStore } from '../server/store/sqlite/open.ts'
import { createVault } from '../server/vault/vault.ts'
import { localWake } from '../server/wake/local.ts'
import { startProcess } from './processes.ts'
import { quantile, type Row } from './table.ts'

const EVENTS = 100
const ROUNDS = 3
const CONNECTIONS = 250
const DELAY_EVENTS = 100
const newId = idMaker(clock)

/** Deliveries a second to 50 endpoints, beside the bare signed POST, and what one that hangs does to the others. */
export async function deliveries(): Promise<Row[]> {
  const receivers = await startProcess(['bench/receivers.ts'], {}, /receivers are at (\S+) \./)
  try {
    const urls = receivers.url.split(',')
    const pairs: [number, number][] = []
    for (let n = 0; n < ROUNDS; n++) pairs.push([await ours(urls), await bare(urls)])
    const median = (values: number[]) => quantile(values, 0.5)
    const ratio = median(pairs.map(([a, b]) => a / b))
    const rates = `${median(pairs.map(([a]) => a)).toFixed(0)}/s of ${median(pairs.map(([, b]) => b)).toFixed(0)}/s`
    const delays: [number, number][] = []
    for (let n = 0; n < ROUNDS; n++) delays.push([await delayP99(urls, false), await delayP99(urls, true)])
    const without = median(delays.map(([one]) => one))
    const beside = median(delays.map(([, one]) => one))
    return [
      {
        what: 'deliveries a second to 50 endpoints, beside the bare signed POST',
        figure: `${rates} = ${ratio.toFixed(2)} ×`,
        goal: '≥ 0.50 ×',
        met: ratio >= 0.5,
      },
      {
        what: 'delay of healthy endpoints while one of 50 hangs, p99',
        figure: `${beside} ms, without ${without} ms = ${(beside / without).toFixed(2)} ×`,
        goal: '≤ 2 ×',
        met: beside <= 2 * without,
      },
    ]
  } finally {
    await receivers.stop()
  }
}

/** A store with a callback for each address. The answer of `start` ends what delivers. */
async function world(urls: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-bench-'))
  const store = await openSqliteStore({ file: join(folder, 'verdict.db'), clock })
  const vault = createVault(randomBytes(32))
  for (const url of urls) {
    const id = newId('callback')
    const secrets = [{ sealed: vault.seal(makeSecret(randomBytes), callbackContext(id)), until: null }]
    await store.callbacks.create(
      {
        ...{ id, workspace: 'wsp_1', target: { kind: 'standard', url }, events: ['run.finished'] },
        ...{ suites: null, branches: null, description: null, secrets },
      },
      1000,
    )
  }
  function start() {
    let kick = () => {}
    const onError = (error: unknown) => console.error(error)
    const egress = guardedEgress({ allowed: parseAllowedCidrs('127.0.0.0/8'), after: clock.after })
    const sending = delivering({
      ...{ store, clock, onError, owner: 'bench', random: Math.random, onFree: () => kick() },
      sender: httpSender(egress, 'verdict/bench'),
      message: deliveryMessages({ store, vault, now: () => clock.now() }),
    })
    const wake = localWake()
    const steps = {
      fanOut: fanOut({ store, newId, publicUrl: 'https://verdict.example', onError }),
      start: () => sending.start(),
      nextDue: () => store.deliveries.nextDue(),
      announceExpiring: async () => undefined,
      stop: () => sending.stop(),
    }
    const job = deliver(steps, { clock, wake, onError })
    kick = job.kick
    return { wake, stop: job.stop }
  }
  async function close() {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { store, start, close }
}

async function finishRun(store: Store): Promise<void> {
  const source = { kind: 'upload' as const, digest: 'd'.repeat(64), repository: null, commit: null, dirty: false }
  const made = await store.runs.create(
    {
      ...{ id: newId('run'), workspace: 'wsp_1', suite: 'smoke', revision: null, source, variables: {}, labels: [] },
      ...{ definition: canonicalDefinition({ run: 'true' }), timeoutSeconds: 60, queueTimeoutSeconds: 60, ci: {} },
      ...{ abandonAfterSeconds: null, callbackUrl: null, sealedSecrets: null, rerunOf: null },
      triggeredBy: { kind: 'key', id: 'key_1', name: 'bench', userId: null },
    },
    { maxQueued: 1_000_000 },
  )
  if (typeof made === 'string') throw new Error(made)
  const results = { total: 1, passed: 1, failed: 0, errored: 0, skipped: 0, flaky: 0 }
  await store.queue.claim({ id: 'wrk_1', labels: [] }, { leaseMs: 60_000, perWorkspace: 1000 })
  await store.queue.finish({ run: made.run.id, attempt: 1 }, 'wrk_1', { state: 'passed', results, reason: null })
}

async function arrived(url: string, count: number): Promise<number[]> {
  const all: number[] = []
  while (all.length < count) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    all.push(...((await (await fetch(`${url}/delays`)).json()) as number[]))
  }
  return all
}

async function ours(urls: readonly string[]): Promise<number> {
  const { store, start, close } = await world(urls)
  for (let n = 0; n < EVENTS; n++) await finishRun(store)
  const began = performance.now()
  const { stop } = start()
  await arrived(urls[0] as string, EVENTS * urls.length)
  const rate = (EVENTS * urls.length * 1000) / (performance.now() - began)
  await stop()
  await close()
  return rate
}

async function bare(urls: readonly string[]): Promise<number> {
  const dispatcher = new Agent({ connections: CONNECTIONS / urls.length })
  const secret = makeSecret(randomBytes)
  const body = JSON.stringify({ type: 'run.finished', timestamp: new Date().toISOString(), data: 'x'.repeat(900) })
  let left = EVENTS * urls.length
  const total = left
  const began = performance.now()
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (left-- > 0) {
        const now = Math.floor(Date.now() / 1000)
        const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': String(now), 'content-type': 'application/json' }
        const signature = await sign(secret, 'evt_1', now, body)
        const answer = await request(urls[left % urls.length] ?? (urls[0] as string), {
          ...{ method: 'POST', body, dispatcher },
          headers: { ...headers, 'webhook-signature': signature },
        })
        await answer.body.dump()
      }
    }),
  )
  const rate = (total * 1000) / (performance.now() - began)
  await dispatcher.close()
  await arrived(urls[0] as string, 1)
  return rate
}

async function delayP99(urls: readonly string[], hangs: boolean): Promise<number> {
  const [first = '', ...others] = urls
  const { store, start, close } = await world([...others, hangs ? `${first}/hang` : `${first}/`])
  const { wake, stop } = start()
  for (let n = 0; n < DELAY_EVENTS; n++) {
    await finishRun(store)
    wake.publish('queue')
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  const delays = await arrived(first, DELAY_EVENTS * others.length)
  await stop()
  await close()
  return Math.max(1, quantile(delays, 0.99))
}
