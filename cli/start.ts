import { homedir } from 'node:os'
import { systemClock, systemRandom } from '../client/index.ts'
import { systemGit } from '../gate/git.ts'
import { nodeTransport } from '../transport/node/node.ts'
import type { Environment } from './config.ts'
import type { Host, Signal } from './host.ts'
import { runProgram } from './program.ts'

const SIGNALS: readonly Signal[] = ['SIGINT', 'SIGTERM']

/** Runs the program in this process and sets its exit code. */
export async function start(process: NodeJS.Process, env: Environment, argv: readonly string[]): Promise<void> {
  // `verdict logs | head`: who reads no further has what they wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  process.exitCode = await runProgram(argv, hostOf(process, env))
}

function hostOf(process: NodeJS.Process, env: Environment): Host {
  return {
    env,
    cwd: process.cwd(),
    home: homedir(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    random: systemRandom,
    git: systemGit,
    transport: () => nodeTransport({ env }),
    onSignal(listener) {
      const listeners = SIGNALS.map((signal) => [signal, () => listener(signal)] as const)
      for (const [signal, heard] of listeners) process.on(signal, heard)
      return () => {
        for (const [signal, heard] of listeners) process.off(signal, heard)
      }
    },
    exit: (code) => process.exit(code),
  }
}
