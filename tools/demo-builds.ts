import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DemoError, type DemoProcesses } from './demo-processes.ts'

export interface Build {
  readonly title: string
  readonly commit: string
  /** What the commit changes in the shop; nothing in the first. */
  readonly change?: { readonly file: string; readonly from: string; readonly to: string }
  readonly exitCode: number
  /** What its JUnit file must hold. */
  readonly junit: RegExp
}

export const BUILDS: readonly Build[] = [
  { title: 'the tests pass', commit: 'Add the cart', exitCode: 0, junit: /<testcase/ },
  {
    title: 'a commit breaks the code',
    commit: 'Simplify the subtotal',
    change: { file: 'src/cart.js', from: 'item.price * item.quantity', to: 'item.price' },
    exitCode: 1,
    junit: /<failure/,
  },
]

const SHOP = fileURLToPath(new URL('../examples/demo-shop', import.meta.url))
const AUTHOR = ['-c', 'user.name=Demo', '-c', 'user.email=demo@example.com']

/** A real Git repository with the demo shop in it. */
export class ShopRepository {
  readonly folder: string
  readonly #processes: DemoProcesses
  readonly #env: Readonly<Record<string, string>>

  constructor(folder: string, processes: DemoProcesses, env: Readonly<Record<string, string>>) {
    this.folder = folder
    this.#processes = processes
    // No configuration of the caller's: it may sign commits, or run hooks.
    this.#env = { ...env, HOME: dirname(folder), GIT_CONFIG_NOSYSTEM: '1' }
  }

  async init(): Promise<void> {
    cpSync(SHOP, this.folder, { recursive: true })
    await this.#git('init', '--quiet', '--initial-branch', 'main')
  }

  /** Makes the build's commit and answers its short hash. */
  async commit({ change, commit }: Build): Promise<string> {
    if (change) {
      const file = join(this.folder, change.file)
      const before = readFileSync(file, 'utf8')
      if (!before.includes(change.from)) throw new DemoError(`${change.file} of the demo shop has no ${change.from}`)
      writeFileSync(file, before.replace(change.from, change.to))
    }
    await this.#git('add', '--all')
    await this.#git('commit', '--quiet', '--message', commit)
    return this.#git('rev-parse', '--short', 'HEAD')
  }

  async #git(...args: string[]): Promise<string> {
    const command = { program: 'git', args: [...AUTHOR, ...args], cwd: this.folder, env: this.#env }
    const { exitCode, stdout, stderr } = await this.#processes.run(command).catch((cause: NodeJS.ErrnoException) => {
      const message = cause.code === 'ENOENT' ? 'git is needed for the demo: install it' : cause.message
      throw new DemoError(message, { cause })
    })
    if (exitCode !== 0) throw new DemoError(`git ${args[0]} failed:\n${stderr}`)
    return stdout.trim()
  }
}
