import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeApiKey } from '../contract/api-key.ts'
import { whenInterrupted } from './ending.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))

export interface Started {
  readonly url: string
  readonly output: () => string
  readonly pid: number
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// So that none of them writes any more to what is cleaned away.
whenInterrupted(() => Promise.all([...running].map(stopProcess)))

/** Starts a program of ours and waits for the address that it prints. */
export function startProcess(args: readonly string[], env: Record<string, string>, pattern: RegExp): Promise<Started> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', TMPDIR: tmpdir(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  let output = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk
      const url = pattern.exec(output)?.[1]
      if (url) resolve({ url, output: () => output, pid: child.pid as number, stop: () => stopProcess(child) })
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}:\n${output}`)))
  })
}

function stopProcess(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners('exit')
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

export interface BenchServer extends Started {
  readonly key: string
}

/**
 * A real server, with limits that do not get in a measurement's way: on a data folder of its own, which goes with it, or on
 * the one that VERDICT_DATA_DIR names.
 */
export async function startServer(settings: Record<string, string>): Promise<BenchServer> {
  const given = settings.VERDICT_DATA_DIR
  const folder = given ?? mkdtempSync(join(tmpdir(), 'verdict-server-'))
  const keyFile = join(folder, 'bench-key')
  if (!existsSync(keyFile)) writeFileSync(keyFile, makeApiKey(randomBytes))
  const server = await startProcess(
    ['server/main.ts'],
    {
      VERDICT_DATA_DIR: folder,
      VERDICT_BOOTSTRAP_KEY_FILE: keyFile,
      VERDICT_PORT: '0',
      VERDICT_ALLOW_UNSANDBOXED: '1',
      VERDICT_RATE_EXCHANGES: '1000000',
      VERDICT_RATE_CALLS: '10000000',
      VERDICT_QUEUED_PER_WORKSPACE: '1000000',
      VERDICT_LOG_LEVEL: 'warn',
      ...settings,
    },
    / is at (http:\S+)/,
  )
  const stop = async () => {
    await server.stop()
    if (!given) rmSync(folder, { recursive: true, force: true })
  }
  return { ...server, key: readFileSync(keyFile, 'utf8'), stop }
}

/** What the same work costs without Verdict, on SQLite or on the MongoDB at that address. */
export const startCeiling = (mongodbUrl?: string): Promise<Started> =>
  startProcess(['bench/ceiling.ts'], mongodbUrl ? { MONGODB_URL: mongodbUrl } : {}, /ceiling is at (http:\S+)/)
