import { createHmac } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { startServer } from '../support/server.ts'
import { startReceiver } from './delivery-world.ts'
import { handWorker } from './hand-worker.ts'

const SHA = 'a'.repeat(40)

it('turns a webhook of a push into a run and a status on its commit, with no CI job', async () => {
  const server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8' } })
  onTestFinished(() => server.stop())
  const forge = await startReceiver(() => 201)
  await server.request('PUT', '/v1/suites/smoke', { json: { definition: { run: 'true' } } })
  const callback = { kind: 'github', repository: 'acme/shop', token: 'ghp_x', apiUrl: new URL(forge.url).origin }
  expect((await server.request('POST', '/v1/callbacks', { json: callback })).status).toBe(201)
  const trigger = (await server.request('POST', '/v1/triggers', { json: { suite: 'smoke', kind: 'github' } })).json
  const body = JSON.stringify({
    ...{ ref: 'refs/heads/main', after: SHA, deleted: false },
    repository: { full_name: 'acme/shop', html_url: 'https://github.com/acme/shop' },
  })
  const signature = `sha256=${createHmac('sha256', trigger.secret).update(body).digest('hex')}`
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature }
  const run = await server.request('POST', `/triggers/${trigger.id}`, { token: null, body, headers })
  expect(run.status, run.text).toBe(202)
  await expect.poll(() => forge.received.length).toBe(1)
  const worker = handWorker(server)
  await worker.pass(await worker.claim(run.json.id))
  const states = () => forge.received.map((request) => JSON.parse(request.body).state)
  await expect.poll(() => states().at(-1), { timeout: 5000 }).toBe('success')
  expect(
    states()
      .slice(0, -1)
      .every((state) => state === 'pending'),
  ).toBe(true)
  expect(new Set(forge.received.map(({ path }) => path))).toEqual(new Set([`/repos/acme/shop/statuses/${SHA}`]))
})
