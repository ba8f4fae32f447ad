import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import autocannon from 'autocannon'
import { makeApiKey } from '../contract/api-key.ts'
import { apiCaller, exchangeForm, type Started, startProcess, startServer } from './processes.ts'
import { quantile, type Row } from './table.ts'

const FEW = 1_000
const MANY = 1_000_000
const SECONDS = 4
const ROUNDS = 3
const CONNECTIONS = 32
/** So many different keys are shown in turn: of a million, more than any cache of pages holds by chance. */
const SHOWN = 2_000
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** Exchanges with few and with a million users and keys in the store, and authorised reads, beside their ceilings. */
export async function keys(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'verdict-bench-keys-'))
  const server = await startServer({ VERDICT_RUNNER: 'none', VERDICT_DATA_DIR: folder })
  const ceiling = await startProcess(['bench/ceiling.ts'], {}, /ceiling is at (http:\S+)/)
  try {
    const shown: string[] = []
    fill(join(folder, 'verdict.db'), 0, FEW, shown)
    const few = await measured(server, shown, ceiling)
    fill(join(folder, 'verdict.db'), FEW, MANY, shown)
    const many = await measured(server, shown, ceiling)
    const slower = few.ratio / many.ratio
    const figure = ({ rate, of, ratio, perCpu }: Rate) =>
      `${rate.toFixed(0)}/s of ${of.toFixed(0)}/s = ${ratio.toFixed(2)} × (${perCpu.toFixed(0)} a CPU-second)`
    return [
      { what: `exchanges a second with ${FEW} keys`, figure: figure(few), goal: '≥ 0.60 ×', met: few.ratio >= 0.6 },
      { what: `exchanges a second with ${MANY} keys`, figure: figure(many), goal: '≥ 0.60 ×', met: many.ratio >= 0.6 },
      {
        what: 'slower with the many than with the few',
        figure: `${slower.toFixed(2)} ×`,
        goal: '≤ 1.20 ×',
        met: slower <= 1.2,
      },
      await reads(server, ceiling, figure),
    ]
  } finally {
    await server.stop()
    await ceiling.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Rate {
  readonly rate: number
  readonly of: number
  readonly ratio: number
  /** Of the server's own CPU time; NaN where it cannot be read. */
  readonly perCpu: number
}

function measured(server: Started, shown: readonly string[], ceiling: Started): Promise<Rate> {
  const requests = shown.map((key) => ({ method: 'POST' as const, headers: FORM, body: exchangeForm(key) }))
  return beside(
    server,
    { url: `${server.url}/oauth/token`, requests },
    { url: `${ceiling.url}/token`, requests: requests.slice(0, 1) },
  )
}

async function reads(
  server: Started & { key: string },
  ceiling: Started,
  figure: (rate: Rate) => string,
): Promise<Row> {
  const { token, call } = await apiCaller(server)
  await call('PUT', '/v1/suites/noop', { definition: { run: 'true' } })
  const { id } = await call<{ id: string }>('POST', '/v1/runs', { suite: 'noop' })
  const answer = await fetch(`${ceiling.url}/token`, { method: 'POST', headers: FORM, body: exchangeForm(server.key) })
  const { access_token: other } = (await answer.json()) as { access_token: string }
  const rate = await beside(
    server,
    { url: `${server.url}/v1/runs/${id}`, headers: { authorization: `Bearer ${token}` } },
    { url: `${ceiling.url}/runs/x`, headers: { authorization: `Bearer ${other}` } },
  )
  const what = 'authorised GET /v1/runs/{id}, beside a bare route with the check of a token'
  return { what, figure: figure(rate), goal: '≥ 0.60 ×', met: rate.ratio >= 0.6 }
}

async function beside(server: Started, ours: autocannon.Options, ceiling: autocannon.Options): Promise<Rate> {
  const rounds: { rate: number; of: number; perCpu: number }[] = []
  await load(ours, 1)
  await load(ceiling, 1)
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuSeconds(server.pid)
    const rate = await load(ours, SECONDS)
    const perCpu = (rate * SECONDS) / (cpuSeconds(server.pid) - before)
    rounds.push({ rate, perCpu, of: await load(ceiling, SECONDS) })
  }
  const middle = (of: (round: (typeof rounds)[number]) => number) => quantile(rounds.map(of), 0.5)
  return {
    rate: middle(({ rate }) => rate),
    of: middle(({ of }) => of),
    ratio: middle(({ rate, of }) => rate / of),
    perCpu: middle(({ perCpu }) => perCpu),
  }
}

async function load(options: autocannon.Options, seconds: number): Promise<number> {
  const result = await autocannon({ ...options, connections: CONNECTIONS, duration: seconds })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${options.url}: ${result.non2xx} answers were no success`)
  return result.requests.average
}

/** CPU time of a process by Linux's /proc (proc(5): fields 14 and 15, in hundredths of a second). */
function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return Number.NaN
  }
}

/** Users with a workspace and a key each, as the server would have made them some days ago; some of the keys are told. */
function fill(file: string, from: number, to: number, shown: string[]): void {
  const db = new DatabaseSync(file, { timeout: 60_000 })
  const made = Date.now() - 3 * 86_400_000
  const statements = [
    `INSERT INTO workspaces (id, name, createdAt) VALUES (:workspace, 'w', ${made})`,
    `INSERT INTO users (id, kind, metadata, limits, workspace, admin, disabled, createdAt, changedAt) VALUES (:user, 'person', '{}', '{}', :workspace, 0, 0, ${made}, ${made})`,
    `INSERT INTO memberships (user, workspace, role, createdAt, changedAt) VALUES (:user, :workspace, 'owner', ${made}, ${made})`,
    `INSERT INTO keys (id, user, workspace, name, scopes, digest, "start", "end", createdAt, changedAt, lastUsedAt)
      VALUES (:key, :user, :workspace, 'ci', '["runs:read"]', :digest, 'vdt_', 'x', ${made}, ${made}, ${Date.now()})`,
  ].map((sql) => db.prepare(sql, { allowUnknownNamedParameters: true }))
  const every = Math.max(1, Math.floor((to - from) / SHOWN))
  shown.length = 0
  db.exec('BEGIN')
  for (let i = from; i < to; i++) {
    const secret = i % every === 0 ? makeApiKey((bytes) => crypto.getRandomValues(new Uint8Array(bytes))) : String(i)
    if (i % every === 0) shown.push(secret)
    const name = i.toString(32).padStart(26, '0')
    const digest = createHash('sha256').update(secret).digest('hex')
    for (const one of statements) one.run({ workspace: `wsp_${name}`, user: `usr_${name}`, key: `key_${name}`, digest })
  }
  db.exec('COMMIT')
  db.close()
}
