import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import versions from '../../tools/versions.json' with { type: 'json' }

/** A server that speaks MongoDB's protocol, for the tests of one file. */
export interface TestMongo {
  /** `mongod`, or the name of the stand-in: which of them was asked. */
  readonly kind: 'given' | 'mongod' | 'secantusd-rs'
  /** The address of a database of its own. */
  database(name?: string): string
  /** Answers commands with errors for a while (`failCommand`); undefined where the server is not ours. */
  readonly failCommand: ((data: object, mode?: object) => Promise<void>) | undefined
  /** SIGKILL, as a lost machine; only of a server that we started. */
  kill(): Promise<void>
  /** Starts it again with its data, on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface TestMongoOptions {
  /** No replica set. */
  standalone?: boolean
  /** With these users, each of the roles on every database that is told; it is started twice. */
  users?: Record<string, { password: string; role: 'root' | 'readAnyDatabase' }>
  /** Every acknowledged write is on disk: only tests that kill the server need it, and pay for it. */
  durable?: boolean
  /** Started for this test alone, also where VERDICT_TEST_MONGODB_URL names one. */
  own?: boolean
}

type Kind = 'mongod' | 'secantusd-rs'
const START_MS = 30_000

/** Why there is no server to test with, or undefined. Skips carry it. */
export function whyNoMongo(): string | undefined {
  if (process.env.VERDICT_TEST_MONGODB_URL || program()) return undefined
  return 'no MongoDB: neither VERDICT_TEST_MONGODB_URL nor mongod or secantusd-rs on PATH or in the cache (tools/ci-tools.sh secantusd)'
}

/** Why no test can start a server of its own, to make it fail or to have it otherwise; or undefined. */
export function whyNoOwnMongo(): string | undefined {
  return program() ? undefined : 'no server that a test could start: neither mongod nor secantusd-rs is here'
}

/** What a case that needs a server of its own is called by, after its name: nothing, or why it is skipped. */
export function skippedWithoutOwnMongo(): string {
  const why = whyNoOwnMongo()
  return why ? ` (skipped: ${why})` : ''
}

/** `mongod` before its stand-in. */
function program(): { kind: Kind; path: string } | undefined {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verdict-tools')
  const folders = (process.env.PATH ?? '').split(delimiter)
  for (const kind of ['mongod', 'secantusd-rs'] as const) {
    const cached = kind === 'secantusd-rs' ? [join(cache, `secantusd-${versions.cargo.secantusd}`, 'bin')] : []
    const path = [...folders, ...cached].map((folder) => join(folder, kind)).find((file) => existsSync(file))
    if (path) return { kind, path }
  }
  return undefined
}

const ARGUMENTS: Record<
  Kind,
  (port: number, folder: string, options: TestMongoOptions & { auth: boolean }) => string[]
> = {
  mongod: (port, folder, { standalone, auth }) => [
    ...['--bind_ip', '127.0.0.1', '--port', `${port}`, '--dbpath', folder, '--quiet'],
    ...['--setParameter', 'enableTestCommands=1', '--wiredTigerCacheSizeGB', '0.25'],
    ...(standalone ? [] : ['--replSet', 'rs0']),
    ...(auth ? ['--auth'] : []),
  ],
  'secantusd-rs': (port, folder, { standalone, auth, durable }) => [
    ...['--host', '127.0.0.1', '--port', `${port}`, '--storage-path', folder, '--log-level', 'ERROR'],
    ...['--cache-size', '256M', '--log-file-max', '16MB', '--enable-test-commands'],
    ...(durable ? ['--sync-on-commit'] : []),
    ...(standalone ? ['--standalone'] : []),
    ...(auth ? ['--auth'] : []),
  ],
}

/** A server for a test file: the one that VERDICT_TEST_MONGODB_URL names, else one that is started and goes with the file. */
export async function startMongo(options: TestMongoOptions = {}): Promise<TestMongo> {
  const given = process.env.VERDICT_TEST_MONGODB_URL
  if (given && Object.keys(options).length === 0) return givenMongo(given)
  const found = program()
  if (!found) throw new Error(whyNoOwnMongo())
  // The benchmark starts one, too: so it goes by `stop` and not with a test file.
  const folder = mkdtempSync(join(tmpdir(), 'verdict-mongo-'))
  const port = await freePort()
  const base = `mongodb://127.0.0.1:${port}`
  const start = async (auth: boolean) => {
    const child = spawn(found.path, ARGUMENTS[found.kind](port, folder, { ...options, auth }), { stdio: 'ignore' })
    await answering(base, child, found.kind === 'mongod' && !options.standalone)
    return child
  }
  let child = await start(false)
  // A run of tests that is broken off leaves no server behind.
  process.once('exit', () => child.kill('SIGKILL'))
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }
  if (options.users) {
    await makeUsers(`${base}/?directConnection=true`, options.users)
    await kill('SIGTERM')
    child = await start(true)
  }
  const query = options.standalone ? '?directConnection=true' : '?directConnection=true&retryWrites=true'
  return {
    kind: found.kind,
    database: (name = newName()) => `${base}/${name}${query}`,
    failCommand: (data, mode) => failCommand(`${base}/${query}`, data, mode),
    kill: () => kill('SIGKILL'),
    async restart() {
      child = await start(options.users !== undefined)
    },
    async stop() {
      await kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

function givenMongo(url: string): TestMongo {
  const made: string[] = []
  const refuse = async () => {
    throw new Error('this server is not ours')
  }
  return {
    kind: 'given',
    database(name = newName()) {
      made.push(name)
      const whole = new URL(url)
      whole.pathname = `/${name}`
      return whole.href
    },
    failCommand: undefined,
    kill: refuse,
    restart: refuse,
    async stop() {
      const client = new MongoClient(url)
      for (const name of made) await client.db(name).dropDatabase()
      await client.close()
    },
  }
}

const newName = () => `verdict_${randomBytes(6).toString('hex')}`

async function answering(base: string, child: ChildProcess, initiate: boolean): Promise<void> {
  const until = performance.now() + START_MS
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the MongoDB server ended with ${child.exitCode}`)
    const client = new MongoClient(`${base}/?directConnection=true`, { serverSelectionTimeoutMS: 500 })
    try {
      const admin = client.db('admin')
      if (initiate) await admin.command({ replSetInitiate: {} }).catch(() => undefined)
      const hello = await admin.command({ hello: 1 })
      if (hello.isWritablePrimary) return
    } catch (error) {
      if (performance.now() > until) throw error
    } finally {
      await client.close()
    }
    await sleep(20)
  }
}

async function makeUsers(url: string, users: NonNullable<TestMongoOptions['users']>): Promise<void> {
  const client = new MongoClient(url)
  for (const [createUser, { password, role }] of Object.entries(users)) {
    await client.db('admin').command({ createUser, pwd: password, roles: [{ role, db: 'admin' }] })
  }
  await client.close()
}

async function failCommand(url: string, data: object, mode: object = { times: 1 }): Promise<void> {
  const client = new MongoClient(url)
  try {
    await client.db('admin').command({ configureFailPoint: 'failCommand', mode, data })
  } finally {
    await client.close()
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
