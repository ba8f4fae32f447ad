import { type ChildProcess, spawn } from 'node:child_process'

export interface Launch {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  /** All of its environment but for what {@link BASICS} has. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What is piped into it; nothing by default. */
  readonly stdin?: string
}

export interface Ended {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** From its start to its end. */
  readonly durationMs: number
}

/**
 * What any program needs, and nothing of the CI system or the Verdict that this test itself runs in. With the cache a server
 * starts in half of the time.
 */
export const BASICS: Readonly<Record<string, string>> = Object.fromEntries(
  ['PATH', 'SystemRoot', 'TMPDIR', 'TEMP', 'TMP', 'NODE_COMPILE_CACHE'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  }),
)

const alive = new Set<TestProcess>()
// A test run that is interrupted leaves nothing behind.
process.on('exit', () => {
  for (const one of alive) one.kill()
})

/** A real process with a group of its own, its output kept. */
export class TestProcess {
  stdout = ''
  stderr = ''
  /** Resolves once it has ended and all of its output is here. */
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  readonly #name: string
  readonly #listeners = new Set<() => void>()
  #over = false

  constructor({ program, args, cwd, env, stdin }: Launch) {
    this.#name = [program, ...args].join(' ')
    const startedAt = performance.now()
    const child = spawn(program, args, { cwd, env: { ...BASICS, ...env }, detached: true, stdio: 'pipe' })
    this.#child = child
    alive.add(this)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#tell()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#tell()
    })
    // Who does not read its standard input closes it.
    child.stdin.on('error', () => {})
    child.stdin.end(stdin ?? '')
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (exitCode, signal) => {
        alive.delete(this)
        this.#over = true
        this.#tell()
        const { stdout, stderr } = this
        resolve({ exitCode, signal, stdout, stderr, durationMs: performance.now() - startedAt })
      })
    })
    this.ended.catch(() => {})
  }

  /** Resolves with the match once its output has it; rejects, with all that it said, when it ended without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
      if (match) return match
      if (this.#over) throw new Error(`${this.#name} ended and never said ${pattern}:\n${this.stdout}\n${this.stderr}`)
      await new Promise<void>((resolve) => this.#listeners.add(resolve))
    }
  }

  /** A signal to the process itself, as `kill` sends it. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends the process and its whole group at once. */
  kill(): void {
    try {
      process.kill(-(this.#child.pid as number), 'SIGKILL')
    } catch {
      // It has ended, or never began.
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}
