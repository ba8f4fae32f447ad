import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT, type TokenAnswer } from '../../contract/tokens.ts'
import { type Clock, systemClock } from '../../server/clock.ts'
import { composeServer, type Server } from '../../server/compose.ts'
import { readConfig } from '../../server/config.ts'
import type { ShippedCli } from '../../server/routes/operations.ts'
import { StartError } from '../../server/secret-key.ts'
import { type AnswerCheck, answerCheck } from './answer-check.ts'
import { temporaryFolder } from './folder.ts'

export interface TestServerOptions {
  /** Laid over the settings of a test server; what an operator would write. */
  readonly env?: Readonly<Record<string, string>>
  /** A clock that the test moves; the system's otherwise. */
  readonly clock?: Clock
  /** An existing data folder, which is kept at the stop; a new one is made and removed otherwise. */
  readonly dataDir?: string
  readonly cli?: ShippedCli
}

export interface RequestOptions {
  /** An access token; `null` sends none. Default: a token with all scopes of the first key. */
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is; give the content type in `headers`. */
  readonly body?: BodyInit
  readonly signal?: AbortSignal
  /** The first answer counts, also a 503 of a node on a shared store. Else it is asked again as it says, as clients do. */
  readonly once?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: a test looks into an answer freely; its form is checked against /openapi.json
export interface Answer<T = any> {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined when it is none. */
  readonly json: T
}

export interface TestServer {
  /** Where it listens, without a trailing slash. */
  readonly url: string
  /** The first API key, with every scope. Empty when the data folder had its users already. */
  readonly key: string
  readonly dataDir: string
  readonly server: Server
  /** What the server logged, one JSON object a line. */
  readonly logged: string[]
  /** A fresh access token for an API key, by default the first one; `scope` narrows it. */
  token(scope?: string, key?: string): Promise<string>
  /** The token endpoint's own answer to a form. */
  exchange(form: Readonly<Record<string, string>> | string, headers?: Record<string, string>): Promise<Answer>
  /** One request. The answer is checked against what /openapi.json says of it. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  request<T = any>(method: string, path: string, options?: RequestOptions): Promise<Answer<T>>
  stop(): Promise<void>
}

/** A node that on a busy machine has not heard of revocations for over a second answers 503 until it has, a second or two. */
const TRIES = 10

/** The form of a token exchange for an API key. */
export function exchangeForm(key: string, more: Record<string, string> = {}): Record<string, string> {
  return { grant_type: TOKEN_EXCHANGE_GRANT, subject_token_type: API_KEY_TOKEN_TYPE, subject_token: key, ...more }
}

/**
 * A whole server in this process, as it ships, on a data folder and a port of its own. Suites run by the process runner.
 * With `VERDICT_RUNNER: 'none'` nothing runs: then there may be many users, and {@link Server.work} plays the worker.
 */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? temporaryFolder('verdict-server-')
  const logged: string[] = []
  const { server, url } = await listening(options, dataDir, logged)
  const key = server.firstKey ?? ''
  const clock = options.clock ?? systemClock
  const patient = options.env?.VERDICT_DATABASE_URL !== undefined
  let ownToken: { readonly token: Promise<string>; readonly until: number } | undefined
  let check: Promise<AnswerCheck> | undefined

  async function send(method: string, path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(url + path, { method, redirect: 'manual', ...init })
    const text = await response.text()
    const isJson = text !== '' && /[/+]json(;|$)/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
  }

  async function exchange(form: Readonly<Record<string, string>> | string, headers: Record<string, string> = {}) {
    const body = new URLSearchParams(form).toString()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    return send('POST', '/oauth/token', { body, headers: { ...type, ...headers } })
  }

  async function token(scope?: string, ofKey = key): Promise<string> {
    const answer = await exchange(exchangeForm(ofKey, scope === undefined ? {} : { scope }))
    if (answer.status !== 200) throw new Error(`no token: ${answer.text}`)
    return (answer.json as TokenAnswer).access_token
  }

  function firstToken(): Promise<string> {
    if (!ownToken || ownToken.until <= clock.now()) ownToken = { token: token(), until: clock.now() + 50_000 }
    return ownToken.token
  }

  return {
    url,
    key,
    dataDir,
    server,
    logged,
    token,
    exchange,
    async request(method, path, { token: given, headers = {}, json, body, signal, once } = {}) {
      const bearer = given === undefined ? await firstToken() : given
      const init = {
        headers: {
          ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? (body === undefined ? {} : { body }) : { body: JSON.stringify(json) }),
        ...(signal === undefined ? {} : { signal }),
      }
      let answer = await send(method, path, init)
      for (let tries = 1; patient && !once && answer.status === 503 && tries < TRIES; tries++) {
        await sleep(Number(answer.headers.get('retry-after') ?? 1) * 1000)
        answer = await send(method, path, init)
      }
      check ??= send('GET', '/openapi.json', {}).then(({ json: document }) => answerCheck(document))
      ;(await check)(method, path, answer)
      return answer
    },
    async stop() {
      await server.stop()
    },
  }
}

/** A port that is free now may be taken a moment later: then another one is tried. */
async function listening(
  options: TestServerOptions,
  dataDir: string,
  logged: string[],
): Promise<{ server: Server; url: string }> {
  for (let tries = 1; ; tries++) {
    const env = {
      VERDICT_PORT: String(await freePort()),
      VERDICT_DATA_DIR: dataDir,
      VERDICT_RUNNER: 'process',
      VERDICT_LOG_LEVEL: 'debug',
      ...options.env,
    }
    const unsandboxed = env.VERDICT_RUNNER === 'process' ? { VERDICT_ALLOW_UNSANDBOXED: '1' } : {}
    const { config } = readConfig({ ...unsandboxed, ...env }, dataDir)
    const server = await composeServer(config, {
      version: '0.0.0-test',
      log: pino({ level: config.logLevel, base: undefined }, { write: (line: string) => void logged.push(line) }),
      cli: options.cli ?? {},
      toolPath: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...(options.clock ? { clock: options.clock } : {}),
    })
    try {
      await server.start()
      return { server, url: `http://127.0.0.1:${env.VERDICT_PORT}` }
    } catch (error) {
      await server.stop()
      if (!(error instanceof StartError) || tries === 3) throw error
    }
  }
}

/** A port of 127.0.0.1 that nothing listens on now. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  return port
}
