import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { verifyCallback } from '../../client/index.ts'
import { makeSecret } from '../../contract/signature.ts'
import { systemClock } from '../../server/clock.ts'
import { callbackContext } from '../../server/domain/delivery-message.ts'
import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { createVault } from '../../server/vault/vault.ts'
import { newCallback } from '../contract/store/callbacks.contract.ts'
import { finishedRun } from '../contract/store/subject.ts'
import { startReceiver } from './delivery-world.ts'
import { databaseIn, temporaryFolder } from './store/store-folder.ts'

const CHILD = fileURLToPath(new URL('../support/sender-child.ts', import.meta.url))
const RUNS = 1000

it('delivers each of 1,000 events at least once, under one id each, while its process is killed again and again', async () => {
  const folder = temporaryFolder()
  const key = randomBytes(32)
  const vault = createVault(key)
  const secret = makeSecret(randomBytes)
  const receiver = await startReceiver()
  const store = await openSqliteStore({ file: databaseIn(folder), clock: systemClock })
  for (let n = 0; n < 4; n++) {
    const callback = newCallback({ target: { kind: 'standard', url: `${receiver.url}/${n}` } })
    const secrets = [{ sealed: vault.seal(secret, callbackContext(callback.id)), until: null }]
    await store.callbacks.create({ ...callback, id: callback.id, secrets }, 10)
  }
  for (let n = 0; n < RUNS / 4; n++) await finishedRun(store)
  await store.close()

  const ids = () => new Set(receiver.received.map(({ headers, path }) => `${headers['webhook-id']} ${path}`))
  let kills = 0
  for (let seen = -1; ids().size < RUNS; kills++) {
    if (kills > 40) expect(ids().size, 'it does not get on').toBeGreaterThan(seen)
    seen = ids().size
    const child = spawn(process.execPath, [CHILD, folder, key.toString('hex')], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const exited = once(child, 'exit')
    onTestFinished(() => void child.kill('SIGKILL'))
    // From the first request on, so that a slow start does not make every kill come before it.
    const before = receiver.received.length
    const until = before + 20 + Math.floor(Math.random() * 200)
    await expect
      .poll(() => receiver.received.length >= until || ids().size >= RUNS, { timeout: 20_000, interval: 2 })
      .toBe(true)
    child.kill('SIGKILL')
    await exited
  }
  expect(kills).toBeGreaterThan(2)
  const bodies = new Map<string, string>()
  for (const { headers, body, path } of receiver.received) {
    const id = `${headers['webhook-id']} ${path}`
    expect(bodies.get(id) ?? body).toBe(body)
    bodies.set(id, body)
  }
  const runs = new Set([...bodies.values()].map((body) => JSON.parse(body).data.id))
  expect([bodies.size, runs.size]).toEqual([RUNS, RUNS / 4])
  const last = receiver.received.at(-1)!
  await expect(verifyCallback(last.body, last.headers, secret)).resolves.toBeDefined()
}, 120_000)
