import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { Agent, request } from 'undici'
import { makeSecret } from '../contract/signature.ts'
import { type CallbackWorld, callbackWorld } from './callback-world.ts'
import { startProcess } from './processes.ts'
import { quantile, type Row } from './table.ts'

/** Of the rate: 10,000 deliveries a round, so that beginning and end of one count for little. */
const [RATE_ROUNDS, RATE_EVENTS] = [5, 200]
/** As many requests to one endpoint at once as the sender allows itself (server/domain/delivering.ts). */
const CONNECTIONS = 10
/** Of the delays: a quarter of what the sender can do, so that they tell of waiting for others and not of a queue. */
const [DELAY_ROUNDS, DELAY_EVENTS, DELAY_PAUSE_MS] = [5, 150, 30]

/** Deliveries a second to 50 endpoints, beside the bare signed POST, and what one that hangs does to the others. */
export async function deliveries(): Promise<Row[]> {
  const receivers = await startProcess(['bench/receivers.ts'], {}, /receivers are at (\S+) \./)
  try {
    const urls = receivers.url.split(',')
    return [await rate(urls), await delay(urls)]
  } finally {
    await receivers.stop()
  }
}

/** Both in turn, so that what else the machine does meets both alike. The first round warms up and does not count. */
async function rate(urls: readonly string[]): Promise<Row> {
  const pairs: { ours: number; bare: number }[] = []
  for (let n = 0; n <= RATE_ROUNDS; n++) {
    const { perSecond, body } = await ours(urls)
    pairs.push({ ours: perSecond, bare: await bare(urls, body) })
  }
  pairs.shift()
  const ratio = median(pairs.map(({ ours, bare }) => ours / bare))
  const [a, b] = [median(pairs.map(({ ours }) => ours)), median(pairs.map(({ bare }) => bare))]
  return {
    what: 'deliveries a second to 50 endpoints, beside the bare signed POST',
    figure: `${a.toFixed(0)}/s of ${b.toFixed(0)}/s = ${ratio.toFixed(2)} ×`,
    goal: '≥ 0.50 ×',
    met: ratio >= 0.5,
  }
}

/** From the outbox to the last arrival. Answers the body of one of them, too. */
async function ours(urls: readonly string[]): Promise<{ perSecond: number; body: string }> {
  const world = await callbackWorld(urls)
  for (let n = 0; n < RATE_EVENTS; n++) await world.finishRun()
  const total = RATE_EVENTS * urls.length
  const all = arrived(urls, total)
  const began = performance.now()
  const stop = await world.start()
  await all
  const perSecond = (total * 1000) / (performance.now() - began)
  await stop()
  const body = await world.body()
  await world.close()
  return { perSecond, body }
}

/**
 * The same bytes to the same receivers, as many at once, each with a signature by its own secret: what undici and the reference
 * library of Standard Webhooks do together when nothing is kept, guarded or tried again.
 */
async function bare(urls: readonly string[], body: string): Promise<number> {
  const dispatcher = new Agent({ connections: CONNECTIONS })
  const hooks = urls.map(() => new Webhook(makeSecret(randomBytes)))
  const total = RATE_EVENTS * urls.length
  let left = total
  const began = performance.now()
  await Promise.all(
    Array.from({ length: CONNECTIONS * urls.length }, async () => {
      while (left-- > 0) {
        const n = left % urls.length
        const now = new Date()
        const headers = {
          ...{ 'content-type': 'application/json', 'user-agent': 'Verdict/bench', 'accept-encoding': 'identity' },
          ...{ 'webhook-id': 'evt_1', 'webhook-timestamp': String(Math.floor(now.getTime() / 1000)) },
          'webhook-signature': (hooks[n] as Webhook).sign('evt_1', now, body),
        }
        const answer = await request(`${urls[n]}/`, { method: 'POST', body, dispatcher, headers })
        await answer.body.dump()
      }
    }),
  )
  const perSecond = (total * 1000) / (performance.now() - began)
  await dispatcher.close()
  await arrived(urls, total)
  return perSecond
}

async function delay(urls: readonly string[]): Promise<Row> {
  const rounds: { alone: number; beside: number }[] = []
  for (let n = 0; n < DELAY_ROUNDS; n++) {
    rounds.push({ alone: await delayP99(urls, '/'), beside: await delayP99(urls, '/hang') })
  }
  const [alone, beside] = [median(rounds.map(({ alone }) => alone)), median(rounds.map(({ beside }) => beside))]
  const ratio = median(rounds.map(({ alone, beside }) => beside / alone))
  return {
    what: 'delay of healthy endpoints while one of 50 hangs, p99',
    figure: `${beside} ms, without ${alone} ms = ${ratio.toFixed(2)} ×`,
    goal: '≤ 2 ×',
    met: ratio <= 2,
  }
}

/** Of what arrives at all but the first endpoint, in milliseconds after the event. `path`: of the first. */
async function delayP99([first = '', ...others]: readonly string[], path: string): Promise<number> {
  const world: CallbackWorld = await callbackWorld([...others, first + path])
  const stop = await world.start()
  const healthy = path === '/' ? others.length + 1 : others.length
  const all = arrived([first], DELAY_EVENTS * healthy)
  for (let n = 0; n < DELAY_EVENTS; n++) {
    await world.finishRun()
    world.wake()
    await new Promise((resolve) => setTimeout(resolve, DELAY_PAUSE_MS))
  }
  const delays = await all
  await stop()
  await world.close()
  return Math.max(1, quantile(delays, 0.99))
}

async function arrived([first]: readonly string[], count: number): Promise<number[]> {
  return (await (await fetch(`${first}/arrived/${count}`)).json()) as number[]
}

const median = (values: readonly number[]) => quantile(values, 0.5)
