import { PassThrough, Readable } from 'node:stream'
import type { Host, Input, Screen, Signal } from '../../cli/host.ts'
import { runProgram } from '../../cli/program.ts'
import { type Clock, systemClock, systemRandom } from '../../client/index.ts'
import { systemGit } from '../../gate/git.ts'
import { nodeTransport } from '../../transport/node/node.ts'
import { KEY } from '../client/scripted-server.ts'
import { temporaryFolder } from '../support/folder.ts'

export interface MachineOptions {
  readonly env?: Record<string, string | undefined>
  readonly cwd?: string
  readonly home?: string
  /** What is piped in; nothing by default. */
  readonly stdin?: string
  /** Standard input and output are terminals; what is typed comes by `type`. */
  readonly terminal?: boolean
  readonly clock?: Clock
}

/** A machine for the program to run on: real files and sockets, its streams kept, its signals sent by hand. */
export function machine(options: MachineOptions = {}) {
  const keyboard = new PassThrough()
  const stdin: Input = options.terminal
    ? Object.assign(keyboard, { isTTY: true, setRawMode: () => keyboard })
    : Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)])
  const [stdout, stderr] = [kept(options.terminal), kept(options.terminal)]
  const listeners = new Set<(signal: Signal) => void>()
  const exits: number[] = []
  const home = options.home ?? temporaryFolder('verdict-home-')
  const host: Host = {
    env: options.env ?? {},
    cwd: options.cwd ?? home,
    home,
    stdin,
    stdout: stdout.screen,
    stderr: stderr.screen,
    clock: options.clock ?? systemClock,
    random: systemRandom,
    git: systemGit,
    transport: () => nodeTransport({ env: {} }),
    onSignal(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    exit: (code) => exits.push(code),
  }
  return {
    host,
    home,
    exits,
    stdout: stdout.text,
    stderr: stderr.text,
    type: (text: string) => void keyboard.write(text),
    signal(signal: Signal) {
      for (const listener of listeners) listener(signal)
    },
    run: (...argv: string[]) => runProgram(argv, host),
  }
}

function kept(isTTY = false) {
  const chunks: Buffer[] = []
  const screen: Screen = Object.assign(new PassThrough(), { isTTY, columns: 100 })
  screen.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { screen, text: () => Buffer.concat(chunks).toString() }
}

/** Runs one command line to its end. With `server` the environment names it and a well-formed key. */
export async function verdict(
  argv: string[],
  { server, ...options }: MachineOptions & { server?: { url: string } } = {},
) {
  const env = server ? { VERDICT_URL: server.url, VERDICT_API_KEY: KEY, ...options.env } : options.env
  const on = machine({ ...options, env })
  const code = await on.run(...argv)
  return { code, stdout: on.stdout(), stderr: on.stderr(), home: on.home }
}
