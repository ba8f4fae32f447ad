import { apiCaller, exchange } from './api.ts'
import type { BenchServer } from './processes.ts'
import { addWorker } from './workers.ts'

/** A user with a key and a finished run, made by the server itself: a store is filled with copies of what it wrote. */
export interface Template {
  readonly user: string
  /** The user's own. The run is of the workspace of the server's first key. */
  readonly workspace: string
  readonly key: string
  readonly run: string
  /** The run's, which is another one for each copy. */
  readonly commit: string
}

/** How many users with a key each, and how many finished runs a store is filled with. */
export interface Amounts {
  readonly keys: number
  readonly runs: number
}

/** Some of what was filled in, spread over all of it: secrets of keys, ids of runs of the first key's workspace. */
export interface Shown {
  readonly keys: readonly string[]
  readonly runs: readonly string[]
}

export const SUITE = 'noop'
export const BRANCH = 'main'
/** A run as it comes from a CI system. */
const TRIGGER = {
  suite: SUITE,
  labels: ['nightly'],
  ci: { commit: 'c0ffee'.padEnd(40, '0'), branch: BRANCH, repository: 'acme/shop', buildId: '4711' },
}

/** What is asked for by the trigger with that number, of a commit that no copy has. */
export const triggerOf = (n: number) => ({
  ...TRIGGER,
  ci: { ...TRIGGER.ci, commit: n.toString(16).padStart(40, 'f') },
})
/** The fact by which a run in a MongoDB is known to be of these. */
export const TRIGGERED = /^commit:f{20}/

/** As many of each are shown: of a million, more than lie together on the store's pages by chance. */
const SHOWN = 1_000
const DAY_MS = 86_400_000
/** Copies were made over these days: none is so old that something of it would be removed, none so new that nodes ask for it. */
const [FIRST_DAY, LAST_DAY] = [12, 1]

export async function makeTemplate(server: BenchServer): Promise<Template> {
  const { call } = await apiCaller(server)
  const user = await call<{ id: string; workspace: string }>('POST', '/v1/users', { name: 'somebody' })
  const scopes = ['runs:read', 'runs:write']
  const made = await call<{ id: string; key: string }>('POST', `/v1/users/${user.id}/keys`, { name: 'ci', scopes })
  await exchange(`${server.url}/oauth/token`, made.key)
  await call('PUT', `/v1/suites/${SUITE}`, { definition: { run: 'true' } })
  const run = await call<{ id: string }>('POST', '/v1/runs', TRIGGER)
  const worker = await addWorker(server)
  const job = await worker.claim()
  if (job?.lease.run !== run.id) throw new Error('the template run is not the one that was claimed')
  await worker.report(job)
  await worker.finish(job)
  worker.close()
  return { user: user.id, workspace: user.workspace, key: made.id, run: run.id, commit: TRIGGER.ci.commit }
}

/** When the first copy was made, and how long after each the next; milliseconds. */
export function timesOf({ keys, runs }: Amounts, now: number): { first: number; step: number } {
  const step = Math.floor(((FIRST_DAY - LAST_DAY) * DAY_MS) / Math.max(keys, runs))
  return { first: now - FIRST_DAY * DAY_MS, step }
}

/** The numbers of the copies that are shown. */
export function shownOf(count: number): number[] {
  const shown = Math.min(SHOWN, count)
  return Array.from({ length: shown }, (_, n) => Math.floor((n * count) / shown))
}

/** An id of a copy, by its number: well-formed, and older than any that a server makes. */
export const copyId = (prefix: string, i: number) => prefix + String(i).padStart(26, '0')
