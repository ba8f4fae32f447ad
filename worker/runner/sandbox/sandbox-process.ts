import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Duplex, Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { descendants, type ProcessEntry, readProcess, readProcessTable, signalIfThere } from '../process-table.ts'
import { type Exit, RunnerError } from '../runner.ts'
import type { Started } from '../supervise.ts'
import { terminate } from '../terminate.ts'
import { explainRefusal } from './refusals.ts'

const START_MS = 30_000
const GONE_MS = 10_000
/** How much of the output is kept in case that it is bubblewrap's own complaint. */
const COMPLAINT = 2_000
/** How long after its exit what it wrote may take to get here. */
const COMPLAINT_MS = 50

/** One bubblewrap: the process outside, and inside it the first of the run's PID namespace, with which all others end. */
export class SandboxProcess implements Started {
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  readonly #child: ChildProcess
  readonly #status: Readable
  readonly #block: Writable
  readonly #gate: Duplex
  #statusText = ''
  #output = ''
  #first: ProcessEntry | undefined

  constructor(child: ChildProcess, status: Readable, block: Writable, gate: Duplex) {
    this.#child = child
    this.#status = status
    this.#block = block
    this.#gate = gate
    status.on('data', (chunk) => {
      this.#statusText += chunk
    })
    for (const stream of [status, block, gate]) stream.on('error', () => undefined)
    this.exited = once(child, 'exit').then(([code, signal]) => asEnded(code, signal))
    this.exited.catch(() => undefined)
  }

  noteOutput(chunk: Uint8Array): void {
    if (this.#output.length < COMPLAINT) this.#output += Buffer.from(chunk).toString('utf8', 0, COMPLAINT)
  }

  /**
   * Waits until the namespaces are there, lets `prepare` have both of bubblewrap's processes, lets it go on, and lets the
   * command begin when bubblewrap is done. Returns the first process inside.
   */
  async ready(prepare: (pid: number) => void): Promise<number> {
    const late = AbortSignal.timeout(START_MS)
    try {
      await once(this.#child, 'spawn')
      const exited = this.#exitedAtOnce()
      exited.catch(() => undefined)
      while (this.#firstPid() === undefined) {
        await Promise.race([once(this.#status, 'data', { signal: late }), exited])
      }
      const pid = this.#firstPid()!
      this.#first = await readProcess(pid)
      prepare(this.#child.pid!)
      prepare(pid)
      this.#block.end('.')
      await Promise.race([once(this.#gate, 'data', { signal: late }), exited])
      this.#gate.end('\n')
      return pid
    } catch (cause) {
      await this.kill()
      if (cause instanceof RunnerError) throw cause
      await sleep(COMPLAINT_MS)
      const why = this.#output === '' ? String(cause) : explainRefusal(this.#output)
      throw new RunnerError(`the sandbox could not be started: ${why}`, { cause })
    }
  }

  /** The processes below one, as the run's are below its first. */
  async members(pid: number): Promise<ProcessEntry[]> {
    return descendants(await readProcessTable(), pid)
  }

  async terminate(graceMs: number): Promise<void> {
    const first = this.#first
    if (first)
      await terminate(
        () => this.members(first.pid),
        (entry) => entry.parent === first.pid,
        graceMs,
      )
  }

  /**
   * The first process inside takes all others with it, by the kernel. It is looked for itself: until it has come to its
   * own `--die-with-parent`, it would outlive the bubblewrap outside.
   */
  async kill(): Promise<void> {
    const isOutside = this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
    if (isOutside) for (const { pid } of await this.members(this.#child.pid!)) signalIfThere(pid, 'SIGKILL')
    if (await this.#isInside()) signalIfThere(this.#first!.pid, 'SIGKILL')
    this.#child.kill('SIGKILL')
    const until = performance.now() + GONE_MS
    for (let wait = 1; (await this.#isInside()) && performance.now() < until; wait = Math.min(wait * 2, 50)) {
      await sleep(wait)
    }
  }

  /** bubblewrap reports an exit code only of a command that it could start: without one the fault is not the run's. */
  async mustHaveRun(exit: Exit, wasStopped: boolean): Promise<void> {
    if (!this.#status.readableEnded)
      await once(this.#status, 'end', { signal: AbortSignal.timeout(1_000) }).catch(() => {})
    if (!/"exit-code"/.test(this.#statusText) && exit.limit === null && exit.signal === null && !wasStopped)
      this.#refused()
  }

  async #exitedAtOnce(): Promise<never> {
    await this.exited
    await sleep(COMPLAINT_MS)
    this.#refused()
  }

  #refused(): never {
    throw new RunnerError(`the sandbox could not be started: ${explainRefusal(this.#output)}`)
  }

  #firstPid(): number | undefined {
    const pid = /"child-pid": *(\d+)/.exec(this.#statusText)?.[1]
    return pid === undefined ? undefined : Number(pid)
  }

  async #isInside(): Promise<boolean> {
    const now = this.#first && (await readProcess(this.#first.pid))
    return now !== undefined && now.startedAt === this.#first?.startedAt
  }
}

/** bubblewrap says 128 + n of a command that signal n ended, as shells do. */
function asEnded(code: number | null, signal: string | null): { code: number | null; signal: string | null } {
  const name =
    code === null ? undefined : Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
  return name ? { code: null, signal: name } : { code, signal }
}
