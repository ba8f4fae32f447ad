import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, createClient, systemClock, systemRandom } from '../../client/index.ts'
import type { Run } from '../../contract/runs.ts'
import { nodeTransport } from '../../transport/node/node.ts'
import { LeakSearch, MEANT } from './e2e-leaks.ts'
import { type Ended, TestProcess } from './e2e-process.ts'
import { type ServerProcess, startServerProcess } from './e2e-server.ts'
import { commitAll, type Files, suiteFile, writeFiles } from './e2e-tree.ts'
import { temporaryFolder } from './folder.ts'
import { freePort } from './server.ts'

const built = (path: string) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url))
export const CLI_FOLDER = built('cli')
export const CLI = built('cli/verdict.mjs')
export const ACTION = built('action/index.js')

export interface StageOptions {
  /** Laid over the server's settings. */
  readonly env?: Readonly<Record<string, string>>
}

export interface CommandOptions {
  readonly cwd?: string
  /** Laid over VERDICT_URL and VERDICT_API_KEY, as a CI step sets them; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  /** Which program runs the CLI; this Node by default. */
  readonly node?: string
  /** Its standard output is a new key: it is kept secret, and is no leak there. */
  readonly printsKey?: boolean
}

/**
 * A server, a key that was made for a CI system, and a folder for checkouts: what an end-to-end test plays in. Everything is
 * real, and everything that is written is searched for secrets.
 */
export class Stage {
  readonly folder: string
  readonly dataDir: string
  readonly leaks = new LeakSearch()
  /** The key of the CI system. */
  key = ''
  /** Speaks with the first key, which may do everything, and is no client of the runs that the CI key starts. */
  client!: Client
  server!: ServerProcess
  readonly #env: Readonly<Record<string, string>>
  readonly #transport = nodeTransport({ env: {} })
  #port = 0
  #adminKey = ''
  #folders = 0
  #closed = false

  constructor(folder: string, { env = {} }: StageOptions) {
    this.folder = folder
    this.dataDir = join(folder, 'server')
    this.#env = env
  }

  get url(): string {
    return this.server.url
  }

  /** Starts the server, on the same port and the same data folder as before. */
  async startServer(): Promise<void> {
    this.#refuseIfClosed()
    this.#port ||= await freePort()
    this.server = await startServerProcess({ dataDir: this.dataDir, port: this.#port, env: this.#env })
    const { process } = this.server
    if (this.#closed) process.kill()
    this.#refuseIfClosed()
    this.leaks.output("the server's output", () => process.stdout + process.stderr, MEANT.firstKey)
  }

  /** Tries to start a second server on the same data folder; rejects with what it said. */
  async startAnother(): Promise<void> {
    const { process } = await startServerProcess({ dataDir: this.dataDir, env: this.#env })
    process.kill()
  }

  /** Ends the server as a power cut does. */
  async killServer(): Promise<void> {
    this.server.process.kill()
    await this.server.process.ended
  }

  /** Ends the server as an operator does. */
  async stopServer(): Promise<Ended> {
    this.server.process.signal('SIGTERM')
    return this.server.process.ended
  }

  /** As a person does once: the first key makes one for the CI system. */
  async open(): Promise<this> {
    if (!existsSync(CLI)) throw new Error('dist/cli/verdict.mjs is missing: `npm run bundle` makes it')
    await mkdir(this.dataDir)
    await this.startServer()
    if (this.server.firstKey === undefined) throw new Error('the server printed no first key')
    this.#adminKey = this.server.firstKey
    this.client = this.clientWith(this.#adminKey)
    this.key = await this.makeKey('ci')
    this.leaks.folder(this.dataDir)
    return this
  }

  /** A further key, made by the CLI. */
  async makeKey(name: string, ...flags: string[]): Promise<string> {
    const env = { VERDICT_API_KEY: this.#adminKey }
    const { exitCode, stdout, stderr } = await this.verdict(['keys', 'create', name, ...flags], {
      env,
      printsKey: true,
    })
    if (exitCode !== 0) throw new Error(`no key was made: ${stderr}`)
    return stdout.trim()
  }

  clientWith(apiKey: string): Client {
    return createClient({
      url: this.url,
      apiKey,
      transport: this.#transport,
      clock: systemClock,
      random: systemRandom,
      userAgent: 'verdict-e2e/0',
    })
  }

  /** The built CLI, started. */
  start(args: readonly string[], options: CommandOptions = {}): TestProcess {
    const program = options.node ?? process.execPath
    const env = { HOME: this.folder, VERDICT_URL: this.url, VERDICT_API_KEY: this.key, ...options.env }
    const command = new TestProcess({
      program,
      args: [CLI, ...args],
      cwd: options.cwd ?? this.folder,
      env,
      stdin: options.stdin,
    })
    this.leaks.output(`the output of verdict ${args.join(' ')}`, () =>
      options.printsKey ? command.stderr : command.stdout + command.stderr,
    )
    return command
  }

  /** The built CLI, run to its end. */
  verdict(args: readonly string[], options?: CommandOptions): Promise<Ended> {
    return this.start(args, options).ended
  }

  /** A new folder with these files. */
  async tree(files: Files): Promise<string> {
    const folder = await this.newFolder()
    await writeFiles(folder, files)
    return folder
  }

  /** The same as a git repository with one commit. */
  async checkout(files: Files): Promise<string> {
    const folder = await this.tree(files)
    await commitAll(folder, 'Begin')
    return folder
  }

  /** A new folder with nothing but a verdict.yaml. */
  suites(suites: Readonly<Record<string, object>>): Promise<string> {
    return this.tree({ 'verdict.yaml': suiteFile(suites) })
  }

  async newFolder(): Promise<string> {
    const folder = join(this.folder, `folder-${++this.#folders}`)
    await mkdir(folder)
    return folder
  }

  /** The id of the run that a started `verdict run` or `verdict wait` tells of. */
  async runOf(command: TestProcess): Promise<string> {
    return (await command.says(/\b(run_[0-9a-z]{26})\b/))[1] as string
  }

  /** Resolves once the run has written this into its log, so that it is in the middle of its work. */
  async wrote(id: string, text: string): Promise<void> {
    const enough = new AbortController()
    let log = ''
    for await (const event of this.client.runs.events(id, { signal: enough.signal })) {
      if (event.type === 'log') log += event.text
      if (!log.includes(text)) continue
      enough.abort()
      return
    }
    throw new Error(`${id} ended and never wrote ${text}:\n${log}`)
  }

  async runsOf(suite: string): Promise<Run[]> {
    const runs: Run[] = []
    for await (const run of this.client.runs.list({ suite })) runs.push(run)
    return runs
  }

  async logOf(id: string): Promise<string> {
    const chunks: Uint8Array[] = []
    for await (const chunk of await this.client.runs.log(id)) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }

  /** The body of a test that ran out of time goes on: it must leave no server behind. */
  #refuseIfClosed(): void {
    if (this.#closed) throw new Error('the stage is closed: its test ran out of time')
  }

  async close(): Promise<void> {
    this.#closed = true
    this.server.process.signal('SIGTERM')
    await this.server.process.ended
    this.#transport.close()
  }
}

/** A stage with its server up. Close it. */
export async function openStage(options: StageOptions = {}): Promise<Stage> {
  // What git and Node call a folder: on some systems the temporary one is behind a link.
  const folder = temporaryFolder('verdict-e2e-')
  const stage = new Stage(folder, options)
  try {
    return await stage.open()
  } catch (error) {
    stage.server?.process.kill()
    throw error
  }
}
