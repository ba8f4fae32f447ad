import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeApiKey } from '../../contract/api-key.ts'
import { SCOPES } from '../../contract/scopes.ts'
import { temporaryFolder } from '../support/folder.ts'
import { exchangeForm } from '../support/server.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'

const KEY = /vdt_[0-9A-Za-z]{36}/g
let dataDir: string
let running: ServerProcess[]
beforeEach(() => {
  dataDir = join(temporaryFolder('verdict-process-'), 'data')
  running = []
})
afterEach(async () => {
  for (const server of running) await server.stop('SIGKILL')
})

function start(env: Record<string, string> = {}, args: string[] = []): ServerProcess {
  const server = startServerProcess({ VERDICT_DATA_DIR: dataDir, ...env }, args)
  running.push(server)
  return server
}
async function exchange(url: string, key: string, more: Record<string, string> = {}) {
  const response = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams(exchangeForm(key, more)),
  })
  return { status: response.status, json: (await response.json()) as { scope: string } }
}
const firstKeyFile = () => join(dataDir, 'first-key')

/** A start that cannot be is one clear line on standard error, and exit code 1. */
async function refused(server: ServerProcess, says: RegExp): Promise<void> {
  expect(await server.exited()).toEqual({ code: 1, signal: null })
  expect(server.out.stderr).toMatch(says)
  expect(server.out.stderr).toMatch(/^verdict: .*\n$/)
  expect(server.out.stdout).toBe('')
}

describe('the first start', () => {
  it('gives the first key once, and the file of it goes when it is used', async () => {
    const first = start()
    const url = await first.ready()
    const keys = first.out.stdout.match(KEY) ?? []
    expect(keys).toHaveLength(1)
    expect(first.out.stderr).not.toMatch(KEY)
    expect(statSync(firstKeyFile()).mode & 0o777).toBe(0o600)
    expect(readFileSync(firstKeyFile(), 'utf8').trim()).toBe(keys[0])
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'secret-key')).mode & 0o777).toBe(0o600)

    const { status, json } = await exchange(url, keys[0]!)
    expect(status).toBe(200)
    expect(json.scope.split(' ')).toEqual(SCOPES.filter((scope) => scope !== 'work'))
    await expect.poll(() => existsSync(firstKeyFile())).toBe(false)
    expect(await first.stop()).toEqual({ code: 0, signal: null })

    const second = start()
    expect((await exchange(await second.ready(), keys[0]!)).status).toBe(200)
    expect(second.out.stdout).not.toMatch(KEY)
    expect(existsSync(firstKeyFile())).toBe(false)
  })

  it('keeps the file over a restart until the key is used', async () => {
    const first = start()
    await first.ready()
    await first.stop()
    const second = start()
    const url = await second.ready()
    expect(second.out.stdout).not.toMatch(KEY)
    const key = readFileSync(firstKeyFile(), 'utf8').trim()
    expect((await exchange(url, key)).status).toBe(200)
    await expect.poll(() => existsSync(firstKeyFile())).toBe(false)
  })

  it('takes a key that the operator chose, and does not repeat it', async () => {
    const key = makeApiKey((bytes) => randomBytes(bytes))
    const file = join(dataDir, '..', 'chosen')
    writeFileSync(file, `${key}\n`)
    const server = start({ VERDICT_BOOTSTRAP_KEY_FILE: file })
    expect((await exchange(await server.ready(), key)).status).toBe(200)
    expect(server.out.stdout + server.out.stderr).not.toContain(key)
    expect(existsSync(firstKeyFile())).toBe(false)
  })

  it('refuses a chosen key that is none', async () => {
    const file = join(dataDir, '..', 'chosen')
    writeFileSync(file, 'hunter2')
    await refused(start({ VERDICT_BOOTSTRAP_KEY_FILE: file }), /VERDICT_BOOTSTRAP_KEY_FILE does not hold an API key/)
  })
})

describe('admin-key', () => {
  it('prints another key with every scope, and nothing else', async () => {
    const server = start()
    await server.ready()
    await server.stop()
    const command = start({}, ['admin-key'])
    expect(await command.exited()).toEqual({ code: 0, signal: null })
    expect(command.out.stdout).toMatch(/^vdt_[0-9A-Za-z]{36}\n$/)
    const again = start()
    const { json } = await exchange(await again.ready(), command.out.stdout.trim())
    expect(json.scope).toContain('admin')
  })

  it('is refused while the server runs', async () => {
    const server = start()
    await server.ready()
    await refused(start({}, ['admin-key']), /in use by another Verdict server \(pid \d+\)/)
    expect(server.child.exitCode).toBeNull()
  })
})

describe('a start that cannot be', () => {
  it('because another server has the data folder', async () => {
    const server = start()
    const url = await server.ready()
    await refused(start(), new RegExp(`${dataDir} is in use by another Verdict server \\(pid ${server.child.pid}\\)`))
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })

  it('because the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const server = start({ VERDICT_PORT: String(port) })
    await server.exited()
    expect(server.child.exitCode).toBe(1)
    expect(server.out.stderr).toMatch(
      new RegExp(`^verdict: Something listens on 127.0.0.1:${port} already.*VERDICT_PORT`),
    )
    other.close()
  })

  it('because the address is not one of this machine', async () => {
    const server = start({
      VERDICT_HOST: '192.0.2.1',
      VERDICT_PUBLIC_URL: 'https://verdict.example',
      VERDICT_PORT: '4000',
    })
    await server.exited()
    expect(server.child.exitCode).toBe(1)
    expect(server.out.stderr).toMatch(/^verdict: This machine has no address 192.0.2.1 \(VERDICT_HOST\)/)
  })

  it('because the data folder is a file', async () => {
    writeFileSync(dataDir, '')
    await refused(start(), /cannot be written to.*VERDICT_DATA_DIR/)
  })

  it('because the data folder may not be written to', async () => {
    mkdirSync(dataDir)
    chmodSync(dataDir, 0o500)
    // Root may write to any folder but the kernel's own.
    const folder = process.getuid?.() === 0 ? '/sys' : dataDir
    await refused(start({ VERDICT_DATA_DIR: folder }), /cannot be written to.*VERDICT_DATA_DIR/)
  })

  it('because a newer Verdict wrote the data', async () => {
    const server = start()
    await server.ready()
    await server.stop()
    const db = new DatabaseSync(join(dataDir, 'verdict.db'))
    db.exec('PRAGMA user_version = 999')
    db.close()
    await refused(start(), /newer/)
  })

  it('because the secret key is another one', async () => {
    const server = start()
    await server.ready()
    await server.stop()
    await refused(
      start({ VERDICT_SECRET_KEY: randomBytes(32).toString('base64') }),
      /not the key that this data was written with/,
    )
    rmSync(join(dataDir, 'secret-key'))
    await refused(start(), /put the secret-key file back/)
  })

  it('because of its configuration, every bad value at once', async () => {
    const server = start({ VERDICT_PORT: 'x', VERDICT_TOKEN_TTL_SECONDS: '1', VERDICT_LOG_LEVEL: 'loud' })
    expect(await server.exited()).toEqual({ code: 1, signal: null })
    for (const name of ['VERDICT_PORT', 'VERDICT_TOKEN_TTL_SECONDS', 'VERDICT_LOG_LEVEL']) {
      expect(server.out.stderr).toContain(`- ${name} `)
    }
    expect(existsSync(dataDir)).toBe(false)
  })

  it('because there is no such command', async () => {
    await refused(start({}, ['restart']), /no command "restart".*serve, admin-key/)
  })
})

describe('a server that runs', () => {
  it('says once where it is and how suites run, and warns of settings that it does not know', async () => {
    const server = start({ VERDICT_PROT: '1' })
    const url = await server.ready()
    await fetch(`${url}/livez`)
    expect(server.out.stdout.match(/http:\S+/g)).toEqual([url, `${url}/docs)`])
    expect(server.out.stderr).toMatch(/^warning: VERDICT_PROT is not a setting/)
    expect(server.out.stderr).not.toMatch(/FSTDEP|Deprecat|listening/i)
    await expect.poll(() => server.out.stdout).toContain('VERDICT_RUNNER')
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('stops by %s in a moment, with exit code 0', async (signal) => {
    const server = start()
    const url = await server.ready()
    await fetch(`${url}/livez`)
    const asked = performance.now()
    expect(await server.stop(signal)).toEqual({ code: 0, signal: null })
    expect(performance.now() - asked).toBeLessThan(3000)
  })

  it('loses nothing that it answered when it is killed', async () => {
    const server = start()
    const url = await server.ready()
    const key = server.out.stdout.match(KEY)![0]
    const { json } = await exchange(url, key)
    const { access_token } = json as unknown as { access_token: string }
    const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ suite: 'a', definition: { run: 'x' } })
    const run = (await (await fetch(`${url}/v1/runs`, { method: 'POST', headers, body })).json()) as { id: string }
    await server.stop('SIGKILL')
    const again = start({ VERDICT_PORT: new URL(url).port })
    await again.ready()
    const answer = await fetch(`${url}/v1/runs/${run.id}`, { headers })
    expect([answer.status, ((await answer.json()) as { id: string }).id]).toEqual([200, run.id])
  })

  it('--help and --version need no data folder', async () => {
    const help = start({}, ['--help'])
    expect((await help.exited()).code).toBe(0)
    expect(help.out.stdout).toContain('VERDICT_DATA_DIR')
    const version = start({}, ['--version'])
    expect((await version.exited()).code).toBe(0)
    expect(version.out.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(existsSync(dataDir)).toBe(false)
  })
})

it('the key is stored by its digest alone', async () => {
  const server = start()
  await server.ready()
  const key = server.out.stdout.match(KEY)![0]
  await server.stop()
  const db = new DatabaseSync(join(dataDir, 'verdict.db'))
  const { digest } = db.prepare('SELECT digest FROM keys').get() as { digest: string }
  db.close()
  expect(digest).toBe(createHash('sha256').update(key).digest('hex'))
  for (const name of readdirSync(dataDir).filter((file) => file.startsWith('verdict.db'))) {
    expect([name, readFileSync(join(dataDir, name)).includes(key)]).toEqual([name, false])
  }
})
