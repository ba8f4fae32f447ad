import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyCallback } from '../../client/index.ts'
import { startReceiver } from '../server/delivery-world.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { verdict } from './machine.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { VERDICT_RUNNER: 'none', VERDICT_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8' } })
  await server.request('PUT', '/v1/suites/smoke', { json: { definition: { run: 'true', variables: { TARGET: '' } } } })
})
afterAll(() => server?.stop())

async function cli(argv: string[], stdin?: string) {
  const env = { VERDICT_URL: server.url, VERDICT_API_KEY: server.key }
  return verdict(argv, { env, ...(stdin === undefined ? {} : { stdin }) })
}
const json = async (...argv: string[]) => JSON.parse((await cli([...argv, '--json'])).stdout)

describe('verdict callbacks', () => {
  it('makes one, tries it, shows what was sent, sends it again, rotates its secret and deletes it', async () => {
    const receiver = await startReceiver()
    const made = await cli([
      'callbacks',
      'create',
      receiver.url,
      '--suites',
      'smoke',
      '--branches',
      'main',
      '--description',
      'chat',
    ])
    expect(made.code, made.stderr).toBe(0)
    const secret = made.stdout.trim()
    expect(secret).toMatch(/^whsec_\S+$/)
    expect(made.stderr).toContain('only time the secret is shown')
    expect(made.stderr).not.toContain(secret)
    const [callback] = (await json('callbacks', 'list')).items
    expect(callback).toMatchObject({ description: 'chat', suites: ['smoke'], branches: ['main'] })
    expect((await cli(['callbacks', 'list'])).stdout).toMatch(/^ID +KIND +STATE +SUITES +BRANCHES +WHERE$/m)

    const delivery = await json('callbacks', 'test', callback.id)
    await expect.poll(() => receiver.received.length).toBe(1)
    const [sent] = receiver.received
    expect(await verifyCallback(sent!.body, sent!.headers, secret)).toMatchObject({ type: 'test.ping' })
    await expect.poll(async () => (await json('callbacks', 'deliveries', callback.id)).items[0].state).toBe('delivered')
    const shown = await cli(['callbacks', 'deliveries', delivery.id])
    expect(shown.stdout).toContain(`delivery ${delivery.id}`)
    expect(shown.stdout).toMatch(/^1 +\d{4}-\d\d-\d\d \d\d:\d\d +\d+ ms +200/m)
    expect((await cli(['callbacks', 'deliveries', '--state', 'failed'])).stdout).toBe('no deliveries\n')
    expect((await cli(['callbacks', 'redeliver', delivery.id])).stdout).toContain('is sent again')
    await expect.poll(() => receiver.received.length).toBe(2)

    const rotated = await cli(['callbacks', 'rotate-secret', callback.id, '--overlap', '0'])
    expect(rotated.stdout).toMatch(/^whsec_\S+\n$/)
    expect(rotated.stderr).toContain('No old secret is good any more')
    expect((await cli(['callbacks', 'rotate-secret', '--of-runs'])).stdout).toMatch(/^whsec_\S+\n$/)

    await server.request('PATCH', `/v1/callbacks/${callback.id}`, { json: { disabled: true } })
    expect((await cli(['callbacks', 'list'])).stderr).toContain(`verdict callbacks enable ${callback.id}`)
    expect((await cli(['callbacks', 'enable', callback.id])).stdout).toBe(`${callback.id} is active\n`)
    expect((await cli(['callbacks', 'delete', callback.id])).stdout).toBe(`${callback.id} deleted\n`)
    expect((await cli(['callbacks', 'list'])).stdout).toBe('no callbacks\n')
  })

  it('takes the token of a forge from standard input, and never shows it', async () => {
    const argv = ['callbacks', 'create', '--kind', 'github', '--repository', 'acme/shop']
    const { code, stdout, stderr } = await cli(argv, 'ghp_0123456789\n')
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^cbk_\S+\n$/) })
    expect(stderr).toContain('acme/shop')
    expect(stdout + stderr + (await cli(['callbacks', 'list', '--json'])).stdout).not.toContain('ghp_')
    await cli(['callbacks', 'delete', stdout.trim()])
  })

  it.each<[string[], RegExp]>([
    [['callbacks', 'create'], /takes the address/],
    [['callbacks', 'create', 'https://10.0.0.1/'], /private/],
    [['callbacks', 'create', 'https://a.example', '--kind', 'slack'], /standard, github, gitlab/],
    [['callbacks', 'create', '--kind', 'github', '--repository', 'a/b'], /no github token was given/],
    [['callbacks', 'rotate-secret'], /either a callback or --of-runs/],
    [['callbacks', 'rotate-secret', 'cbk_x', '--overlap', '169h'], /7 days/],
    [['callbacks', 'deliveries', '--state', 'lost'], /pending, delivered, failed/],
    [['callbacks', 'delete', 'cbk_none'], /no callback cbk_none/],
    [['callbacks', 'redeliver', 'dlv_none'], /no delivery dlv_none/],
  ])('%j is wrong use', async (argv, says) => {
    const { code, stderr } = await cli(argv)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) })
  })
})

describe('verdict triggers', () => {
  it('makes one that starts runs, rotates its secret and deletes it', async () => {
    const made = await cli([
      'triggers',
      'create',
      'smoke',
      '--kind',
      'github',
      '--branches',
      'main',
      '--variable-from',
      'TARGET=/ref',
    ])
    expect(made.code, made.stderr).toBe(0)
    const secret = made.stdout.trim()
    const url = /^ {2}(http\S+)$/m.exec(made.stderr)?.[1] ?? ''
    const body = JSON.stringify({ ref: 'refs/heads/main', after: 'a'.repeat(40), repository: {} })
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'x-github-event': 'push', 'x-hub-signature-256': signature },
    })
    expect([answer.status, (await answer.json()).variables]).toEqual([202, { TARGET: 'refs/heads/main' }])
    const [trigger] = (await json('triggers', 'list')).items
    expect((await cli(['triggers', 'list'])).stdout).toContain('github')
    expect((await cli(['triggers', 'rotate-secret', trigger.id])).stdout).toMatch(/^whsec_\S+\n$/)
    expect((await cli(['triggers', 'delete', trigger.id])).stdout).toBe(`${trigger.id} deleted\n`)
  })

  it.each<[string[], RegExp]>([
    [['triggers', 'create', 'smoke'], /--kind github\|gitlab\|standard/],
    [['triggers', 'create', 'smok', '--kind', 'github'], /smoke/],
    [['triggers', 'create', 'smoke', '--kind', 'github', '--variable', 'NOPE=1'], /NOPE/],
    [['triggers', 'delete', 'trg_none'], /no trigger trg_none/],
  ])('%j is wrong use', async (argv, says) => {
    const { code, stderr } = await cli(argv)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) })
  })
})
