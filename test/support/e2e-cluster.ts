import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, createClient, systemClock, systemRandom } from '../../client/index.ts'
import { makeApiKey } from '../../contract/api-key.ts'
import { nodeTransport } from '../../transport/node/node.ts'
import { Balancer } from './e2e-balancer.ts'
import { LeakSearch } from './e2e-leaks.ts'
import { TestProcess } from './e2e-process.ts'
import { launchWorker } from './e2e-worker.ts'
import { temporaryFolder } from './folder.ts'
import { freePort } from './server.ts'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
const SHIFTED_DATE = new URL('shifted-date.ts', import.meta.url).href
const UP = { node: /is at (http:\S+)/, sender: /delivers the callbacks of/, worker: /works for the workspace/ }

/** The environment of a Node.js process whose clock is that much ahead. */
export const shiftedClock = (ms: number): Record<string, string> => ({
  ...{ NODE_OPTIONS: `--import=${SHIFTED_DATE}`, TEST_CLOCK_SHIFT_MS: String(ms) },
})

/** One process of the cluster: killed as a power cut does, and started again as it was. */
export class Member {
  readonly name: string
  process!: TestProcess
  /** How often it was started. */
  starts = 0
  readonly #launch: () => TestProcess
  readonly #up: RegExp
  readonly #leaks: LeakSearch

  constructor(name: string, up: RegExp, leaks: LeakSearch, launch: () => TestProcess) {
    this.name = name
    this.#up = up
    this.#leaks = leaks
    this.#launch = launch
  }

  async start(): Promise<this> {
    const process = this.#launch()
    this.process = process
    this.#leaks.output(`the output of ${this.name}, start ${++this.starts}`, () => process.stdout + process.stderr)
    await process.says(this.#up)
    return this
  }

  async kill(): Promise<void> {
    this.process.kill()
    await this.process.ended
  }
}

export interface ClusterOptions {
  /** The database that all share. */
  readonly database: string
  /** Laid over the settings of every server process. */
  readonly env?: Readonly<Record<string, string>>
  /** How far the clock of a process, by its name, is ahead of the machine's; behind where it is negative. Milliseconds. */
  readonly clocks?: Readonly<Record<string, number>>
}

/** Two API nodes, a sender and two workers on one store, as real processes, and a balancer before the nodes. */
export class Cluster {
  readonly leaks = new LeakSearch()
  readonly balancer = new Balancer()
  nodes: Member[] = []
  workers: Member[] = []
  sender!: Member
  /** Addresses of the nodes themselves, past the balancer. */
  urls: string[] = []
  readonly key = makeApiKey((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
  readonly folder: string
  readonly #transport = nodeTransport({ env: {} })

  constructor(folder: string) {
    this.folder = folder
  }

  get members(): Member[] {
    return [...this.nodes, ...this.workers, this.sender]
  }

  /** Who speaks to that address with the first key, or another one. */
  client(url: string, apiKey = this.key): Client {
    const around = { transport: this.#transport, clock: systemClock, random: systemRandom }
    return createClient({ url, apiKey, ...around, userAgent: 'verdict-e2e/0' })
  }

  async open({ database, env = {}, clocks = {} }: ClusterOptions): Promise<this> {
    await this.balancer.listen()
    const keyFile = join(this.folder, 'first-key')
    await writeFile(keyFile, this.leaks.secret(this.key))
    const secret = this.leaks.secret(Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'))
    const clockOf = (name: string) => (clocks[name] === undefined ? {} : shiftedClock(clocks[name]))
    const server = async (name: string, up: RegExp, own: Record<string, string>) => {
      const dataDir = join(this.folder, name)
      await mkdir(dataDir)
      const settings = {
        VERDICT_DATA_DIR: dataDir,
        VERDICT_DATABASE_URL: database,
        VERDICT_SECRET_KEY: secret,
        VERDICT_PUBLIC_URL: this.balancer.url,
        VERDICT_LOG_LEVEL: 'warn',
        VERDICT_STOP_GRACE_SECONDS: '0',
      }
      const launch = {
        ...{ program: process.execPath, args: [MAIN], cwd: dataDir },
        env: { ...settings, ...own, ...env, ...clockOf(name) },
      }
      return new Member(name, up, this.leaks, () => new TestProcess(launch)).start()
    }
    for (const name of ['node a', 'node b']) {
      const port = await freePort()
      const own = { VERDICT_ROLES: 'api', VERDICT_PORT: String(port), VERDICT_BOOTSTRAP_KEY_FILE: keyFile }
      this.nodes.push(await server(name, UP.node, own))
      this.balancer.ports.push(port)
      this.urls.push(`http://127.0.0.1:${port}`)
    }
    this.sender = await server('sender', UP.sender, { VERDICT_ROLES: 'sender' })
    for (const [n, name] of ['worker a', 'worker b'].entries()) {
      const { key } = await this.client(this.balancer.url).workers.create({ name })
      const folder = join(this.folder, name)
      const own = { VERDICT_SANDBOX_UID_BASE: String(62_000 + 100 * n), VERDICT_WORKER_SLOTS: '2', ...clockOf(name) }
      const launch = { url: this.balancer.url, key: this.leaks.secret(key), folder, env: own }
      await mkdir(folder)
      this.workers.push(await new Member(name, UP.worker, this.leaks, () => launchWorker(launch)).start())
    }
    return this
  }

  async close(): Promise<void> {
    await Promise.all(this.members.filter(Boolean).map((member) => member.kill()))
    this.#transport.close()
    await this.balancer.close()
  }
}

/** A cluster with all of its processes up. Close it. */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new Cluster(temporaryFolder('verdict-cluster-'))
  try {
    return await cluster.open(options)
  } catch (error) {
    await cluster.close()
    throw error
  }
}
