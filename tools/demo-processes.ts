import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** What keeps the demo from going on; the message is for whoever started it. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
}

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Where standard error goes: an open file, or to the output. */
  readonly stderr?: number
  /** Told of each piece of output, as it comes. */
  readonly onOutput?: (text: string) => void
}

/** How long a process may take to end by itself once it was asked to: the CLI cancels its remote runs first. */
const PATIENCE_MS = 8000

/**
 * Processes that end with the demo. Each has a group of its own, so that a Ctrl-C at the terminal reaches the demo alone, which
 * then ends them in order.
 */
export class DemoProcesses {
  readonly #alive = new Set<ChildProcess>()

  start({ program, args, cwd, env, stderr, onOutput }: Command): ChildProcess {
    const child = spawn(program, args, {
      cwd,
      env,
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', stderr ?? 'pipe'],
      windowsHide: true,
    })
    this.#alive.add(child)
    child.once('close', () => this.#alive.delete(child))
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', onOutput ?? (() => {}))
    return child
  }

  /** Runs a command to its end. Answers its exit code and what it wrote; rejects where it cannot be started. */
  async run(command: Command): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
    const child = this.start(command)
    const written = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (text: string) => {
        written[name] += text
      })
    }
    await once(child, 'close')
    return { exitCode: child.exitCode, ...written }
  }

  /** Asks all to end, the newest first, and kills those that do not. */
  async stop(): Promise<void> {
    for (const child of [...this.#alive].reverse()) {
      if (!this.#alive.has(child)) continue
      const closed = once(child, 'close').catch(() => {})
      child.kill('SIGTERM')
      const timer = setTimeout(() => kill(child), PATIENCE_MS)
      await closed
      clearTimeout(timer)
    }
  }
}

function kill(child: ChildProcess): void {
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-(child.pid as number), 'SIGKILL')
  } catch {
    // It ended in this very moment.
  }
}
