import { randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { makeSecret } from '../../contract/signature.ts'
import { parseAllowedCidrs } from '../../egress/addresses.ts'
import { guardedEgress } from '../../egress/guarded.ts'
import { delivering } from '../../server/domain/delivering.ts'
import { callbackContext, deliveryMessages } from '../../server/domain/delivery-message.ts'
import { fanOut } from '../../server/domain/fan-out.ts'
import { idMaker } from '../../server/domain/ids.ts'
import { httpSender } from '../../server/sender/http-sender.ts'
import type { NewCallback } from '../../server/store/ports/callbacks.ts'
import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { createVault } from '../../server/vault/vault.ts'
import { newCallback } from '../contract/store/callbacks.contract.ts'
import { MovableClock } from '../support/clock.ts'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly socket: Socket
}
/** How a receiver answers its n-th request: a status, or by itself. */
export type Script = (request: Received, nth: number) => number | ((response: ServerResponse) => void)

/** A receiver on loopback that answers by script. */
export async function startReceiver(script: Script = () => 200) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers, socket } = request
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString(), socket }
      received.push(one)
      const answer = script(one, received.length)
      if (typeof answer === 'function') return answer(response)
      response.writeHead(answer)
      response.end('thank you')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received }
}

/** Everything that delivers, on a store in memory and a clock that the test moves; time-outs, too, are of that clock. */
export async function deliveryWorld() {
  const clock = new MovableClock(Date.UTC(2026, 0, 5))
  const store = await openSqliteStore({ memory: true, clock, logGroupMs: 0 })
  const vault = createVault(randomBytes(32))
  const newId = idMaker(clock)
  const egress = guardedEgress({
    allowed: parseAllowedCidrs('127.0.0.0/8'),
    after: (ms, callback) => clock.after(ms, callback),
  })
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const spread = fanOut({ store, newId, publicUrl: 'https://verdict.example', onError })
  const sending = delivering({
    store,
    sender: httpSender(egress, 'verdict/test'),
    message: deliveryMessages({ store, vault, now: () => clock.now() }),
    clock,
    random: () => 0.5,
    owner: 'me',
    onRoom: () => void sending.start(),
    onError,
  })
  onTestFinished(async () => {
    await sending.stop()
    await store.close()
    expect(errors).toEqual([])
  })

  /** A callback with a secret of its own; `secret` in the clear. */
  async function callback(url: string, change: Partial<NewCallback> = {}) {
    const id = newId('callback')
    const secret = makeSecret(randomBytes)
    const secrets = [{ sealed: vault.seal(secret, callbackContext(id)), until: null }]
    const made = await store.callbacks.create(
      newCallback({ id, target: { kind: 'standard', url }, secrets, ...change }),
      100,
    )
    if (made === 'too_many') throw new Error(made)
    return { id, secret }
  }

  return {
    ...{ clock, store, vault, newId, sending, callback },
    seal: (secret: string, id: string) => vault.seal(secret, callbackContext(id)),
    /** Makes events into deliveries and starts on all that is due. */
    async go() {
      while ((await spread()) > 0);
      await sending.start()
    },
    /** Resolves when so many attempts were noted of the callback's deliveries, in all. */
    async attempted(count: number, workspace = 'wsp_1') {
      await expect
        .poll(async () => {
          const all = await store.deliveries.list(workspace, {}, { limit: 200 })
          return all.reduce((sum, { attempts }) => sum + attempts, 0)
        })
        .toBe(count)
    },
    /** The only delivery there is. */
    async only() {
      const all = await store.deliveries.list('wsp_1', {}, { limit: 10 })
      expect(all).toHaveLength(1)
      return all[0]!
    },
  }
}
