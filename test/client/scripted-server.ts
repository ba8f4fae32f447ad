import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallerOptions } from '../../client/call.ts'
import { type Client, createClient } from '../../client/client.ts'
import { type Clock, systemClock, systemRandom } from '../../client/clock.ts'
import { makeApiKey } from '../../contract/api-key.ts'
import type { Run } from '../../contract/runs.ts'
import { nodeTransport } from '../../transport/node/node.ts'

export const KEY = makeApiKey((bytes) => new Uint8Array(bytes).fill(7))

export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** What one request gets. */
export interface Scripted {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly json?: unknown
  readonly text?: string
  readonly bytes?: Uint8Array
  /** Destroys the connection instead of answering. */
  readonly reset?: boolean
  /** Answers itself. */
  readonly raw?: (response: ServerResponse, request: IncomingMessage) => void
}

export type Answering = (request: Seen, nth: number) => Scripted | undefined | Promise<Scripted | undefined>

/** A real HTTP server whose answers are a script: `"METHOD /path"` → answer, or a function of the request and its count. */
export async function scriptedServer(script: Record<string, Scripted | Answering>) {
  const seen: Seen[] = []
  const counts = new Map<string, number>()
  const all: Record<string, Scripted | Answering> = {
    'POST /oauth/token': (_, nth) => ({ json: tokenAnswer(`token-${nth}`) }),
    ...script,
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const path = new URL(request.url ?? '/', 'http://x').pathname
      const name = `${request.method} ${path}`
      const entry = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
      }
      seen.push(entry)
      const nth = (counts.get(name) ?? 0) + 1
      counts.set(name, nth)
      const scripted = all[name] ?? all['*']
      const answer =
        (typeof scripted === 'function' ? await scripted(entry, nth) : scripted) ?? problem(404, 'not_found')
      if (answer.reset) return request.socket.destroy()
      if (answer.raw) return answer.raw(response, request)
      const body = answer.bytes ?? answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json))
      const type = answer.json === undefined ? {} : { 'content-type': 'application/json' }
      response.writeHead(answer.status ?? 200, {
        'verdict-version': '9.9.9',
        'request-id': 'req-1',
        ...type,
        ...answer.headers,
      })
      response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    of: (name: string) => seen.filter(({ method, path }) => `${method} ${path.split('?')[0]}` === name),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function tokenAnswer(token: string, lifeSeconds = 900, keyExpiresAt: string | null = null) {
  return {
    access_token: token,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: lifeSeconds,
    scope: 'runs:write runs:read suites:read',
    key_expires_at: keyExpiresAt,
  }
}

export function problem(
  status: number,
  code: string,
  more: { detail?: string; headers?: Record<string, string>; errors?: unknown } = {},
): Scripted {
  const { headers, ...fields } = more
  const json = {
    type: 'about:blank',
    title: code,
    status,
    detail: `detail of ${code}`,
    code,
    requestId: 'req-1',
    ...fields,
  }
  return { status, json, headers: { 'content-type': 'application/problem+json', ...headers } }
}

export function runOf(fields: Partial<Run> = {}): Run {
  return {
    id: 'run_01',
    workspace: 'wsp_01',
    suite: 'smoke',
    revision: null,
    source: { kind: 'upload', digest: 'd'.repeat(64), repository: null, commit: null, dirty: null },
    state: 'queued',
    version: 1,
    attempt: 0,
    url: 'http://127.0.0.1/v1/runs/run_01',
    webUrl: null,
    createdAt: '2026-11-20T00:00:00.000Z',
    startedAt: null,
    finishedAt: null,
    queuedMs: null,
    durationMs: null,
    results: null,
    reason: null,
    variables: {},
    labels: [],
    rerunOf: null,
    triggeredBy: { kind: 'key', id: 'key_01', name: 'ci', userId: 'usr_01' },
    ci: {},
    artifacts: 0,
    ...fields,
  }
}

/** The answer of `GET /v1/runs/{id}`. */
export function runAnswer(fields: Partial<Run>): Scripted {
  const run = runOf(fields)
  return { json: run, headers: { etag: `"${run.version}"` } }
}

/** The real clock, `factor` times as fast: pauses and limits of a minute pass within a test. */
export function fastClock(factor = 100): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now() * factor,
    after: (ms, then) => systemClock.after(ms / factor, then),
  }
}

export function optionsFor(url: string, more: Partial<CallerOptions> = {}): CallerOptions {
  const transport = nodeTransport({ env: {} })
  return { url, apiKey: KEY, transport, clock: fastClock(), random: systemRandom, userAgent: 'test/1', ...more }
}
export const clientFor = (url: string, more?: Partial<CallerOptions>): Client => createClient(optionsFor(url, more))
