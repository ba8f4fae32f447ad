import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { composeSigningKey } from '../../server/compose-commands.ts'
import { readConfig } from '../../server/config.ts'
import { openSigning, replaceSigningKeys } from '../../server/domain/signing.ts'
import { openSqliteStore } from '../../server/store/sqlite/open.ts'
import { createVault } from '../../server/vault/vault.ts'
import { MovableClock } from '../support/clock.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startServer, type TestServer } from '../support/server.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const clock = new MovableClock(Date.now())
let server: TestServer
beforeAll(async () => {
  server = await startServer({ clock, env: { VERDICT_RUNNER: 'none', VERDICT_KEY_MAX_DAYS: '3660' } })
})
afterAll(() => server?.stop())

const kids = async () =>
  (await server.request('GET', '/.well-known/jwks.json', { token: null })).json.keys.map(
    ({ kid }: { kid: string }) => kid,
  )
const signer = async () => decodeProtectedHeader(await server.token()).kid
/** What a minute of the server's own work does. */
const tend = () => {
  clock.advance(60_000)
  return expect.poll(kids)
}

it('signing keys change every 90 days: published an hour before, good for the tokens that are out, then gone', async () => {
  const [first] = await kids()
  expect(await signer()).toBe(first)
  clock.advance(90 * DAY_MS - 2 * HOUR_MS)
  expect(await kids()).toEqual([first])
  clock.advance(HOUR_MS)
  await tend().toHaveLength(2)
  const second = (await kids()).find((kid: string) => kid !== first)
  expect(await signer()).toBe(first)
  const token = await server.token()
  clock.advance(HOUR_MS)
  expect(await signer()).toBe(second)
  const late = await server.token()
  expect((await server.request('GET', '/v1/me', { token: late })).status).toBe(200)
  expect(decodeProtectedHeader(token).kid).toBe(first)
  clock.advance(2 * HOUR_MS)
  await tend().toEqual([second])
  const events = await server.request('GET', '/v1/audit?action=signing_key.retired', { token: await server.token() })
  expect(events.json.items).toMatchObject([{ target: first, outcome: 'done' }])
})

describe('a signing key that may have leaked', () => {
  it('is good at no node any more once it has looked, whichever node looks first', async () => {
    const time = new MovableClock()
    const store = await openSqliteStore({ memory: true, clock: time })
    const options = {
      ...{ store, vault: createVault(Buffer.alloc(32, 1)), algorithm: 'ES256' as const, issuer: 'http://x' },
      now: () => time.now(),
    }
    const nodes = [await openSigning(options), await openSigning(options)]
    const iat = Math.floor(time.now() / 1000)
    const claims = {
      iss: 'http://x',
      aud: 'http://x/v1',
      sub: 'usr_1',
      client_id: 'key_1',
      workspace: 'wsp_1',
      jti: 'j',
    }
    const token = await nodes[0]!.sign({ ...claims, iat, exp: iat + 600, scope: 'runs:read' })
    for (const node of nodes) expect(await node.verify(token)).toMatchObject({ jti: 'j' })
    await replaceSigningKeys(options)
    for (const node of nodes) {
      await node.tend()
      await expect(node.verify(token)).rejects.toThrow('unknown signing key')
    }
    await store.close()
  })

  it('is replaced by command: every token ends, every API key stays', async () => {
    const dataDir = temporaryFolder('verdict-signing-')
    const env = { VERDICT_RUNNER: 'none' }
    const before = await startServer({ dataDir, env })
    const { key } = before
    const token = await before.token()
    await before.stop()
    const made = await composeSigningKey(readConfig({ ...env, VERDICT_DATA_DIR: dataDir }, dataDir).config)
    const after = await startServer({ dataDir, env })
    const { json } = await after.request('GET', '/.well-known/jwks.json', { token: null })
    expect(json.keys.map(({ kid }: { kid: string }) => kid)).toEqual([made])
    expect((await after.request('GET', '/v1/me', { token })).status).toBe(401)
    const next = await after.token(undefined, key)
    expect((await after.request('GET', '/v1/me', { token: next })).status).toBe(200)
    await after.stop()
  })
})
