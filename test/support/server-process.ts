import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BASICS } from './e2e-process.ts'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

export interface ServerProcess {
  readonly child: ChildProcess
  /** What it wrote so far. */
  readonly out: { stdout: string; stderr: string }
  /** The public URL, once it listens; rejects with what it wrote when it ends before. */
  ready(): Promise<string>
  /** Its exit code and signal. */
  exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Ends it by a signal, and waits for that. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** The server as a process of its own, with no environment but what any program needs and what is given. Its port is any free one. */
export function startServerProcess(env: Readonly<Record<string, string>>, args: readonly string[] = []): ServerProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...BASICS, VERDICT_PORT: '0', VERDICT_RUNNER: 'none', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      out[name] += text
    })
  }
  // `close` comes after the last of the output, `exit` may come before it.
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  const url = () => / is at (\S+) /.exec(out.stdout)?.[1]
  return {
    child,
    out,
    async ready() {
      const ended = closed.then(() => true)
      while (url() === undefined) {
        if ((await Promise.race([ended, once(child.stdout!, 'data')])) === true) {
          throw new Error(`the server ended: ${out.stdout}${out.stderr}`)
        }
      }
      return url() as string
    },
    exited: () => closed,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return closed
    },
  }
}
