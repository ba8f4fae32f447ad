import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ciTool } from './ci-tools.ts'
import { TestProcess } from './e2e-process.ts'
import { freePort } from './server.ts'

/** What a sign-in gives. */
export interface SignedIn {
  readonly id_token: string
  readonly access_token: string
  readonly refresh_token: string
}

/** A real Keycloak with one realm, its database in memory. */
export interface Keycloak {
  /** Of the realm, as its tokens name it. */
  readonly issuer: string
  readonly startedInMs: number
  /** By the password grant, at that client of the realm. */
  signIn(client: string, username: string, password: string): Promise<SignedIn>
  /** One request of its Admin API about the realm, below `/admin/realms/<realm>`. Rejects unless it is done. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into an answer freely
  admin(method: string, path: string, json?: unknown): Promise<any>
  stop(): Promise<void>
}

const ADMIN = { username: 'admin', password: 'of the tests alone' }
/** 20 s of CPU: 15 s where nothing else runs, minutes on a machine that much else runs on. */
const START_MS = 240_000

/** Starts the Keycloak that tools/ci-tools.sh has built, in a folder of its own, with the realm (Keycloak's export format). */
export async function startKeycloak(realm: { readonly realm: string }): Promise<Keycloak> {
  const start = performance.now()
  const home = mkdtempSync(join(tmpdir(), 'verdict-keycloak-'))
  const url = `http://127.0.0.1:${await freePort()}`
  const process = launch(home, url, realm)
  const stop = async () => {
    process.kill()
    await process.ended
    rmSync(home, { recursive: true, force: true, maxRetries: 3 })
  }

  async function tokens(realm: string, form: Record<string, string>) {
    const body = new URLSearchParams({ grant_type: 'password', ...form })
    const answer = await fetch(`${url}/realms/${realm}/protocol/openid-connect/token`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`Keycloak gives no tokens: ${await answer.text()}`)
    return (await answer.json()) as SignedIn
  }

  const issuer = `${url}/realms/${realm.realm}`
  try {
    await isUp(issuer, process)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    issuer,
    startedInMs: performance.now() - start,
    signIn: (client_id, username, password) => tokens(realm.realm, { client_id, username, password, scope: 'openid' }),
    async admin(method, path, json) {
      const { access_token } = await tokens('master', { client_id: 'admin-cli', ...ADMIN })
      const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' }
      const init = { method, headers, ...(json !== undefined && { body: JSON.stringify(json) }) }
      const answer = await fetch(`${url}/admin/realms/${realm.realm}${path}`, init)
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    },
    stop,
  }
}

/** Keycloak writes into the folder that its start script is in: so that is one of ours, and the rest are links to what is shared. */
function launch(home: string, url: string, realm: { readonly realm: string }): TestProcess {
  const script = ciTool('kc.sh', 'keycloak')
  const shared = dirname(dirname(script))
  for (const name of readdirSync(shared))
    if (name !== 'bin' && name !== 'data') symlinkSync(join(shared, name), join(home, name))
  mkdirSync(join(home, 'bin'))
  cpSync(script, join(home, 'bin', 'kc.sh'))
  mkdirSync(join(home, 'data', 'import'), { recursive: true })
  writeFileSync(join(home, 'data', 'import', `${realm.realm}-realm.json`), JSON.stringify(realm))
  const { hostname, port } = new URL(url)
  return new TestProcess({
    program: join(home, 'bin', 'kc.sh'),
    args: [
      ...['start', '--optimized', '--import-realm', '--http-enabled=true', `--hostname=${url}`],
      ...[`--http-host=${hostname}`, `--http-port=${port}`],
    ],
    cwd: home,
    env: {
      KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
      // It lives too briefly for the second compiler: half the CPU.
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
    },
  })
}

async function isUp(issuer: string, process: TestProcess): Promise<void> {
  let over = false
  process.ended.then(
    () => (over = true),
    () => (over = true),
  )
  const until = performance.now() + START_MS
  while (performance.now() < until && !over) {
    const answer = await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => undefined)
    if (answer?.ok) return
    await pause(250)
  }
  throw new Error(`Keycloak did not come up:\n${process.stdout}\n${process.stderr}`)
}
