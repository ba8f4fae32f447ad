import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { CallerOptions } from '../../client/index.ts'
import type { Run } from '../../contract/runs.ts'
import type { GateContext, GateListener } from '../../gate/gate.ts'
import type { GateOptions } from '../../gate/run-suites.ts'
import {
  type Answering,
  clientFor,
  optionsFor,
  problem,
  runOf,
  type Scripted,
  scriptedServer,
} from '../client/scripted-server.ts'

/** A folder with the files; gone at the end of the scope. */
export async function folderWith(files: Record<string, string>) {
  const path = await mkdtemp(join(tmpdir(), 'gate-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export const SMOKE = { 'verdict.yaml': 'suites: { smoke: { run: "true" } }', 'a.txt': 'a' }

type Ending = Partial<Run> | 'never'

/**
 * A server of scripted runs: every trigger makes `run_<suite>`, whose second version has the ending. Archives are kept. It is a
 * model for the client's odd cases; the real server is met in test/e2e.
 */
export async function runServer(endings: Record<string, Ending>, script: Record<string, Scripted | Answering> = {}) {
  const archives = new Set<string>()
  const runs = new Map<string, Run>()
  const byKey = new Map<string, Run>()
  const server = await scriptedServer({
    'POST /v1/runs': ({ body, headers }) => {
      const { suite, definition } = JSON.parse(body.toString())
      const key = String(headers['idempotency-key'])
      const replayed = byKey.get(key)
      if (replayed !== undefined) return { json: replayed, headers: { 'idempotent-replayed': 'true' } }
      if (definition?.archive !== undefined && !archives.has(definition.archive)) return problem(422, 'archive_missing')
      const run = runOf({ id: `run_${suite.replace('/', '-')}`, suite })
      runs.set(run.id, run)
      byKey.set(key, run)
      return { status: 202, json: run }
    },
    '*': ({ method, path, body, headers }) => {
      const [, , noun, id = '', action] = new URL(path, 'http://x').pathname.split('/')
      if (noun === 'archives') {
        if (method === 'PUT') archives.add(id)
        else if (!archives.has(id)) return { status: 404 }
        return { status: body.length > 0 ? 201 : 200, json: {} }
      }
      const run = runs.get(id)
      if (noun !== 'runs' || run === undefined) return problem(404, 'not_found')
      if (action === 'cancel') {
        if (run.state === 'queued') runs.set(id, { ...run, state: 'cancelled', version: 3 })
        return { status: 202, json: runs.get(id) }
      }
      if (action !== undefined) return { json: { items: [], next: null } }
      const ending = endings[run.suite] ?? { state: 'passed' }
      if (ending === 'never' && headers['if-none-match'] === `"${run.version}"`) return { raw: () => {} }
      if (ending !== 'never' && run.state === 'queued') runs.set(id, { ...run, version: 2, ...ending })
      const now = runs.get(id)!
      return { json: now, headers: { etag: `"${now.version}"` } }
    },
    ...script,
  })
  return Object.assign(server, { archives, runs })
}

/** What a listener was told, in words. */
export function recorder(more: GateListener = {}) {
  const lines: string[] = []
  const listener: GateListener = {
    planned: (_, line) => lines.push(line),
    notice: (text) => lines.push(`notice: ${text}`),
    started: (run, { replayed }) => lines.push(`started ${run.id}${replayed ? ' (replayed)' : ''}`),
    changed: (run) => lines.push(`${run.suite} ${run.state}`),
    still: (runs) => lines.push(`still ${runs.map(({ suite }) => suite).join(', ')}`),
    finished: ({ suite, exitCode }) => lines.push(`finished ${suite} ${exitCode}`),
    ...more,
  }
  return { lines, listener }
}

export function contextFor(
  url: string,
  listener: GateListener,
  more: Partial<CallerOptions> & { signal?: AbortSignal } = {},
): GateContext {
  const { signal = new AbortController().signal, ...rest } = more
  const { clock, random } = optionsFor(url, rest)
  return { client: clientFor(url, rest), clock, random, listener, signal }
}

export function gateOptions(directory: string, more: Partial<GateOptions> = {}): GateOptions {
  return {
    names: [],
    stored: false,
    directory,
    wait: true,
    variables: {},
    secrets: {},
    labels: [],
    facts: async () => ({ ci: { provider: 'test' }, source: { repository: null, commit: 'a1b2c3d4e5', dirty: true } }),
    ...more,
  }
}
