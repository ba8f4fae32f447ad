import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../contract/tokens.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))

export interface Started {
  readonly url: string
  readonly output: () => string
  readonly pid: number
  stop(): Promise<void>
}

/** Starts a program of ours and waits for the address that it prints. */
export function startProcess(args: readonly string[], env: Record<string, string>, pattern: RegExp): Promise<Started> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
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

/** A real server on an empty data folder, with limits that do not get in a measurement's way. */
export async function startServer(settings: Record<string, string>): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-bench-'))
  const server = await startProcess(
    ['server/main.ts'],
    {
      VERDICT_DATA_DIR: folder,
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
  const key = /vdt_\w{36}/.exec(server.output())?.[0] as string
  const stop = async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...server, key, stop }
}

export const exchangeForm = (key: string) =>
  new URLSearchParams({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: key,
    subject_token_type: API_KEY_TOKEN_TYPE,
  }).toString()

/** Calls the API with a fresh token; answers the parsed body. */
export async function apiCaller(server: BenchServer) {
  const answer = await fetch(`${server.url}/oauth/token`, {
    method: 'POST',
    body: exchangeForm(server.key),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  const call = async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  return { token, call }
}
