import type { ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { verifyCallback } from '../../client/index.ts'
import { createRun, finish, finishedRun, newRun, runningRun } from '../contract/store/subject.ts'
import { createAuthority, issue } from '../support/tls-certificates.ts'
import { deliveryWorld, type Received, startReceiver } from './delivery-world.ts'

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]
const header = (request: Received | undefined, name: string) => String(request?.headers[name])
const webhookHeaders = (request: Received) => ({
  'webhook-id': header(request, 'webhook-id'),
  'webhook-timestamp': header(request, 'webhook-timestamp'),
  'webhook-signature': header(request, 'webhook-signature'),
})

describe('a callback', () => {
  it('is told the end of a run in a body that its secret signed, byte for byte', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver()
    const { id, secret } = await world.callback(receiver.url)
    const run = await finishedRun(world.store, { id: world.newId('run'), ci: { branch: 'main' }, labels: ['ünï'] })
    await world.go()
    await world.attempted(1)
    const [request] = receiver.received
    expect(header(request, 'content-type')).toBe('application/json')
    expect(header(request, 'webhook-id')).toMatch(/^evt_/)
    const event = await verifyCallback(request!.body, request!.headers, secret, { now: world.clock.now() })
    expect(event).toMatchObject({
      type: 'run.finished',
      timestamp: new Date(world.clock.now()).toISOString(),
      data: {
        ...{ id: run.id, suite: 'smoke', state: 'passed', version: run.version, ci: { branch: 'main' } },
        ...{ url: `https://verdict.example/v1/runs/${run.id}`, truncated: false, labels: ['ünï'] },
        casesUrl: `https://verdict.example/v1/runs/${run.id}/cases`,
        results: { total: 1, passed: 1 },
      },
    })
    expect(request!.body).not.toContain('"variables"')
    const theirs = new Webhook(secret)
    vi.useFakeTimers({ now: world.clock.now(), toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    expect(theirs.verify(request!.body, webhookHeaders(request!))).toEqual(event)
    vi.useRealTimers()
    const delivery = await world.only()
    expect(delivery).toMatchObject({ state: 'delivered', callback: id, run: run.id, lastStatus: 200, lastError: null })
  })

  it('is tried nine more times, each at its time, with the same id and a new signature', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver(() => 500)
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(1)
    const plan = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    for (const [n, ms] of plan.entries()) {
      const { nextAt } = await world.only()
      expect(nextAt).toBe(world.clock.now() + ms)
      world.clock.advance(ms - 1)
      await world.go()
      expect(receiver.received).toHaveLength(n + 1)
      world.clock.advance(1)
      await world.go()
      await world.attempted(n + 2)
    }
    expect(await world.only()).toMatchObject({
      state: 'failed',
      attempts: 10,
      nextAt: null,
      lastError: 'It answered 500.',
    })
    const of = (name: string) => new Set(receiver.received.map((request) => header(request, name)))
    expect(of('webhook-id').size).toBe(1)
    expect(of('webhook-timestamp').size).toBe(10)
    expect(of('webhook-signature').size).toBe(10)
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
  })

  it.each<[string, number | ((response: ServerResponse) => void), RegExp]>([
    ['500', 500, /answered 500/],
    ['404', 404, /answered 404/],
    [
      'a redirect',
      (response) => response.writeHead(302, { location: 'https://example.com/' }).end(),
      /302: a redirect, which is not followed/,
    ],
    ['a reset', (response) => response.socket?.resetAndDestroy(), /reset|broke off/],
    [
      'half an answer',
      (response) => response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy()),
      /broke off|reset/,
    ],
    ['headers for ever', pourHeaders, /headers of the answer are too large/],
  ])('that answers with %s is tried again', async (_what, answer, says) => {
    const world = await deliveryWorld()
    const receiver = await startReceiver((_request, nth) => (nth === 1 ? answer : 204))
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(1)
    const failed = await world.only()
    expect(failed).toMatchObject({ state: 'pending', lastError: expect.stringMatching(says) })
    expect((await world.store.callbacks.active('wsp_1'))[0]?.failingSince).toBe(world.clock.now())
    world.clock.advance(5 * SECOND)
    await world.go()
    await world.attempted(2)
    expect(await world.only()).toMatchObject({ state: 'delivered', lastStatus: 204, lastError: null })
    expect((await world.store.callbacks.active('wsp_1'))[0]?.failingSince).toBeNull()
  })

  it('may take just less than 15 s to answer', async () => {
    const world = await deliveryWorld()
    const answers: ServerResponse[] = []
    const receiver = await startReceiver(() => (response) => void answers.push(response))
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await expect.poll(() => answers.length).toBe(1)
    world.clock.advance(14_999)
    answers[0]!.writeHead(200).end()
    await world.attempted(1)
    expect(await world.only()).toMatchObject({ state: 'delivered', lastStatus: 200 })
  })

  it('that answers with a gigabyte has taken it, and is hung up on', async () => {
    const world = await deliveryWorld()
    let written = 0
    const receiver = await startReceiver(() => (response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x')
      const more = () => {
        while (written < 1e9 && response.write(chunk)) written += chunk.length
      }
      response.on('error', () => {})
      response.on('drain', more)
      more()
    })
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(1)
    expect(await world.only()).toMatchObject({ state: 'delivered', lastStatus: 200 })
    expect(written).toBeLessThan(100e6)
  })

  it('whose certificate is not trusted is sent nothing, and is tried again', async () => {
    const world = await deliveryWorld()
    let asked = 0
    const port = await tlsServer(() => asked++)
    await world.callback(`https://127.0.0.1:${port}/hook`)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(1)
    expect(await world.only()).toMatchObject({
      state: 'pending',
      lastError: expect.stringMatching(/certificate is not trusted/),
      nextAt: world.clock.now() + 5 * SECOND,
    })
    expect(asked).toBe(0)
  })

  it('that does not answer within 15 s is tried again after a minute at the earliest', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver(() => () => {})
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await expect.poll(() => receiver.received.length).toBe(1)
    world.clock.advance(14_999)
    expect((await world.only()).attempts).toBe(0)
    world.clock.advance(1)
    await world.attempted(1)
    expect(await world.only()).toMatchObject({
      lastError: 'No whole answer within 15 s.',
      nextAt: world.clock.now() + MINUTE,
    })
  })

  it.each([
    ['nothing', undefined, MINUTE],
    ['a few seconds: not before the plan', '2', MINUTE],
    ['ten minutes', '600', 10 * MINUTE],
    ['a date', new Date(Date.UTC(2026, 0, 5) + 20 * MINUTE).toUTCString(), 20 * MINUTE],
    ['a year: within bounds', '31536000', HOUR],
    ['nonsense', 'soon', MINUTE],
  ])('that is overloaded and asks for %s by Retry-After is given time', async (_what, retryAfter, ms) => {
    const world = await deliveryWorld()
    const receiver = await startReceiver(
      () => (response) => response.writeHead(429, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end(),
    )
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(1)
    expect((await world.only()).nextAt).toBe(world.clock.now() + ms)
  })

  it('that is overloaded is sent one thing at a time until it works again', async () => {
    const world = await deliveryWorld()
    const first: ServerResponse[] = []
    let [open, besideFirst] = [0, 0]
    const receiver = await startReceiver((_request, nth) => (response) => {
      // The first ten are answered when all of them are there: so they were sent at once.
      if (nth <= 10) return void first.push(response)
      open++
      setTimeout(() => {
        if (nth === 11) besideFirst = open
        open--
        response.writeHead(200).end()
      }, 5)
    })
    await world.callback(receiver.url)
    for (let n = 0; n < 10; n++) await finishedRun(world.store)
    await world.go()
    await expect.poll(() => first.length).toBe(10)
    for (const response of first) response.writeHead(429).end()
    await world.attempted(10)
    world.clock.advance(MINUTE)
    await world.go()
    await world.attempted(20)
    expect(besideFirst).toBe(1)
  })

  it('that answers 410 is disabled at once, and others are told', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver(() => 410)
    const other = await startReceiver()
    const gone = await world.callback(receiver.url, { description: 'old chat' })
    await world.callback(other.url, { events: ['callback.disabled'] })
    await finishedRun(world.store)
    await finishedRun(world.store)
    await world.go()
    await expect.poll(async () => (await world.store.callbacks.get(gone.id))?.disabledReason).toMatch(/410/)
    await world.go()
    await expect.poll(() => other.received.length).toBe(1)
    expect(JSON.parse(other.received[0]!.body)).toMatchObject({
      type: 'callback.disabled',
      data: {
        callback: { id: gone.id, kind: 'standard', description: 'old chat' },
        reason: expect.stringMatching(/410/),
      },
    })
    const left = await world.store.deliveries.list('wsp_1', { state: 'pending' }, { limit: 10 })
    expect(left.filter(({ callback }) => callback === gone.id)).toEqual([])
    await finishedRun(world.store)
    await world.go()
    expect(receiver.received.length).toBeLessThanOrEqual(2)
  })

  it('of which every attempt fails for 5 days is disabled, and not before', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver(() => 500)
    const { id } = await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(1)
    world.clock.advance(5 * DAY - 1)
    await world.go()
    await world.attempted(2)
    expect(await world.store.callbacks.get(id)).toMatchObject({ disabledAt: null })
    world.clock.advance(5 * MINUTE)
    await world.go()
    await expect
      .poll(async () => (await world.store.callbacks.get(id))?.disabledReason)
      .toBe('Every attempt failed for 5 days; the last one: It answered 500.')
  })

  it('that recovers begins its 5 days anew', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver((_request, nth) => (nth === 2 ? 200 : 500))
    const { id } = await world.callback(receiver.url)
    for (let n = 0; n < 3; n++) {
      await finishedRun(world.store)
      await world.go()
      await world.attempted(n + 1)
      await world.store.deliveries.list('wsp_1', { state: 'pending' }, { limit: 5 })
      world.clock.advance(n < 1 ? SECOND : 2 * SECOND)
    }
    const { failingSince, disabledAt } = (await world.store.callbacks.get(id))!
    expect(disabledAt).toBeNull()
    expect(failingSince).toBe(world.clock.now() - 2 * SECOND)
  })

  it('is signed by old and new secret while it is rotated, and by the new one alone after that', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver()
    const { id, secret: old } = await world.callback(receiver.url)
    const fresh = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    await world.store.callbacks.rotate(id, world.seal(fresh, id), world.clock.now() + HOUR)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(1)
    world.clock.advance(HOUR)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(2)
    const [during, after] = receiver.received as [Received, Received]
    const now = world.clock.now()
    const by = (request: Received, secret: string, at: number) =>
      verifyCallback(request.body, request.headers, secret, { now: at })
    await expect(by(during, old, now - HOUR)).resolves.toBeDefined()
    await expect(by(during, fresh, now - HOUR)).resolves.toBeDefined()
    await expect(by(after, fresh, now)).resolves.toBeDefined()
    await expect(by(after, old, now)).rejects.toMatchObject({ code: 'no_match' })
  })

  it('is told only of what its filters take', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver()
    await world.callback(receiver.url, { suites: ['shop/*'], branches: ['main', 'release/*'] })
    const cases: [string, string | undefined][] = [
      ['shop/a', 'main'],
      ['shop/a', 'release/1.0'],
      ['shop/a', 'topic'],
      ['shop/a', undefined],
      ['other', 'main'],
    ]
    for (const [suite, branch] of cases) await finishedRun(world.store, { suite, ci: branch ? { branch } : {} })
    await finishedRun(world.store, { workspace: 'wsp_2', suite: 'shop/a', ci: { branch: 'main' } })
    await world.go()
    await world.attempted(2)
    const told = receiver.received.map(({ body }) => JSON.parse(body).data.ci.branch)
    expect(told.sort()).toEqual(['main', 'release/1.0'])
  })

  it('is told each step of a run, when it wants to know', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver()
    await world.callback(receiver.url, { events: ['run.queued', 'run.started', 'run.finished'] })
    await finishedRun(world.store)
    await world.go()
    await world.attempted(3)
    const told = receiver.received.map(({ body }) => JSON.parse(body))
    const inOrder = told.sort((a, b) => a.data.version - b.data.version).map(({ type }) => type)
    expect(inOrder).toEqual(['run.queued', 'run.started', 'run.finished'])
  })

  it('gets a body below 20 kB, however much a build says of itself', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver()
    await world.callback(receiver.url)
    const ci = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`fact${n}`, 'ü'.repeat(2000)]))
    const labels = Array.from({ length: 20 }, (_, n) => `${n}${'x'.repeat(190)}`)
    await finishedRun(world.store, { ci: { ...ci, branch: 'main', commit: 'c'.repeat(2000) }, labels })
    await world.go()
    await world.attempted(1)
    const { body } = receiver.received[0]!
    expect(Buffer.byteLength(body)).toBeLessThan(20_000)
    const { data } = JSON.parse(body)
    expect(data).toMatchObject({ truncated: true, state: 'passed', ci: { branch: 'main' } })
    expect(data.ci.fact1).toBeUndefined()
  })

  it('has its answer kept in words only when it is public, and never as what is no text', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver()
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await world.attempted(1)
    const [attempt] = await world.store.deliveries.attempts((await world.only()).id)
    expect(attempt).toMatchObject({ status: 200, answer: null })
  })
})

describe('the callbackUrl of a run', () => {
  it("is told its end, signed by the workspace's secret", async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver()
    const { lease } = await runningRun(world.store, { callbackUrl: receiver.url })
    await finish(world.store, lease)
    await world.go()
    await world.attempted(1)
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({ type: 'run.finished', data: { state: 'passed' } })
    const [kept] = await world.store.callbacks.workspaceSecrets('wsp_1', 'none')
    const secret = world.vault.open(kept!.sealed, 'callback-secret/wsp_1')
    const { body, headers } = receiver.received[0]!
    await expect(verifyCallback(body, headers, secret, { now: world.clock.now() })).resolves.toBeDefined()
    expect(await world.only()).toMatchObject({ callback: null, url: receiver.url })
  })
})

describe('one slow endpoint', () => {
  it('delays no other, of its own workspace or another', async () => {
    const world = await deliveryWorld()
    const hanging = await startReceiver(() => () => {})
    const healthy = await startReceiver()
    await world.callback(hanging.url)
    await world.callback(healthy.url)
    await world.callback(healthy.url, { workspace: 'wsp_2' })
    for (let n = 0; n < 20; n++) {
      await finishedRun(world.store)
      await finishedRun(world.store, { workspace: 'wsp_2' })
    }
    await world.go()
    await expect.poll(() => healthy.received.length).toBe(40)
    expect(hanging.received.length).toBe(10)
    world.clock.advance(15 * SECOND)
    await expect.poll(() => hanging.received.length).toBe(11)
  })

  it('of a workspace with many leaves room for the others', async () => {
    const world = await deliveryWorld()
    const hanging = await startReceiver(() => () => {})
    const healthy = await startReceiver()
    for (let n = 0; n < 70; n++) await world.callback(hanging.url)
    await world.callback(healthy.url, { workspace: 'wsp_2' })
    await finishedRun(world.store)
    await finishedRun(world.store, { workspace: 'wsp_2' })
    await world.go()
    await expect.poll(() => healthy.received.length).toBe(1)
    // Ten connections to one origin at once.
    expect(hanging.received.length).toBeLessThanOrEqual(10)
  })
})

describe('an endpoint', () => {
  it('is sent what became due while it was served, without being started again', async () => {
    const world = await deliveryWorld()
    const answers: ServerResponse[] = []
    const receiver = await startReceiver(() => (response) => void answers.push(response))
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await expect.poll(() => answers.length).toBe(1)
    await finishedRun(world.store)
    await world.go()
    expect(answers).toHaveLength(1)
    answers[0]!.writeHead(200).end()
    await expect.poll(() => answers.length).toBe(2)
    answers[1]!.writeHead(200).end()
    await world.attempted(2)
  })

  it('that finds no room is served as soon as another is done', async () => {
    const world = await deliveryWorld()
    const answers: ServerResponse[] = []
    for (let n = 0; n < 60; n++) {
      const receiver = await startReceiver(() => (response) => void answers.push(response))
      await world.callback(receiver.url)
    }
    await finishedRun(world.store)
    await world.go()
    await expect.poll(() => answers.length).toBe(50)
    for (const response of answers.slice(0, 10)) response.writeHead(200).end()
    await expect.poll(() => answers.length).toBe(60)
    for (const response of answers.slice(10)) response.writeHead(200).end()
    await world.attempted(60)
  })
})

describe('a delivery that was made while its callback was deleted', () => {
  it('fails without being sent, and holds up nothing', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver()
    const callback = world.newId('callback')
    await world.store.deliveries.add({
      ...{ id: world.newId('delivery'), workspace: 'wsp_1', endpoint: callback, callback, url: null },
      ...{ event: world.newId('event'), type: 'run.finished', run: null, suite: null, body: '{}' },
    })
    await world.go()
    await world.attempted(1)
    expect(await world.only()).toMatchObject({ state: 'failed', lastError: 'The callback was deleted.' })
    expect(await world.store.deliveries.nextDue()).toBeUndefined()
    expect(receiver.received).toEqual([])
  })
})

describe('a stop in mid-attempt', () => {
  it('counts against nobody, and the delivery is sent again under the same id', async () => {
    const world = await deliveryWorld()
    const receiver = await startReceiver(() => () => {})
    await world.callback(receiver.url)
    await finishedRun(world.store)
    await world.go()
    await expect.poll(() => receiver.received.length).toBe(1)
    await world.sending.stop()
    expect(await world.only()).toMatchObject({ state: 'pending', attempts: 0 })
    expect(await world.store.deliveries.releaseAllOf('me')).toBe(1)
    expect((await world.only()).nextAt).toBe(world.clock.now())
    expect((await world.store.callbacks.active('wsp_1'))[0]?.failingSince).toBeNull()
  })
})

describe('a workspace that tells nobody', () => {
  it('writes nothing into the outbox', async () => {
    const world = await deliveryWorld()
    await createRun(world.store, newRun())
    expect(await world.store.outbox.take(10)).toEqual([])
  })
})

function pourHeaders({ socket }: ServerResponse): void {
  socket?.write('HTTP/1.1 200 OK\r\n')
  const more = () => {
    while (!socket?.destroyed && socket?.write(`x-header: ${'x'.repeat(1000)}\r\n`));
  }
  socket?.on('drain', more)
  socket?.on('error', () => {})
  more()
}

/** A server of a certificate that nobody trusts. Answers its port. */
async function tlsServer(onRequest: () => void): Promise<number> {
  const server = createTlsServer(issue(createAuthority('nobody'), ['hook.test']), (_request, response) => {
    onRequest()
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}
