import type { Artifact } from '../contract/artifacts.ts'
import type { CaseState } from '../contract/case-limits.ts'
import type { Case } from '../contract/cases.ts'
import type { Run, RunCreate, RunQuery, RunRerun } from '../contract/runs.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { type LogEvent, runEvents } from './log-stream.ts'
import { path } from './request.ts'
import { type WaitOptions, waitForRun } from './wait.ts'

export interface MakeOptions extends CallOptions {
  /** Default: a random UUID, the same in all tries of this call. */
  readonly idempotencyKey?: string
}

export interface MadeRun {
  readonly run: Run
  /** The key had been used before: this is the run of then. */
  readonly replayed: boolean
}

export interface Runs {
  create(body: RunCreate, options?: MakeOptions): Promise<MadeRun>
  get(id: string, options?: CallOptions): Promise<Run>
  list(query?: Omit<RunQuery, 'limit' | 'cursor'>, options?: ListOptions): AsyncGenerator<Run, void, undefined>
  /** Resolves with the run as it then is, which may be still running. */
  cancel(id: string, options?: CallOptions): Promise<Run>
  rerun(id: string, body?: RunRerun, options?: MakeOptions): Promise<MadeRun>
  /** Resolves with the final run. */
  wait(id: string, options?: WaitOptions): Promise<Run>
  /** Log and states as they come; ends after the final state. For comfort only. */
  events(id: string, options?: { signal?: AbortSignal }): AsyncGenerator<LogEvent, void, undefined>
  cases(id: string, query?: { state?: CaseState }, options?: ListOptions): AsyncGenerator<Case, void, undefined>
  /** The whole log so far, as it arrives. */
  log(id: string, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>
  junit(id: string, options?: CallOptions): Promise<string>
  artifacts(id: string, options?: ListOptions): AsyncGenerator<Artifact, void, undefined>
  artifact(id: string, artifactPath: string, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>
}

export function runsOf(caller: Caller): Runs {
  const make = async (at: string, body: object, { idempotencyKey, ...options }: MakeOptions): Promise<MadeRun> => {
    const key = idempotencyKey ?? caller.random.uuid()
    const answer = await caller.call({ method: 'POST', path: at, json: body, idempotencyKey: key }, options)
    return { run: caller.parse<Run>(answer), replayed: answer.headers['idempotent-replayed'] === 'true' }
  }
  return {
    create: (body, options = {}) => make('/v1/runs', body, options),
    rerun: (id, body = {}, options = {}) => make(path`/v1/runs/${id}/rerun`, body, options),
    get: (id, options) => caller.json<Run>({ method: 'GET', path: path`/v1/runs/${id}` }, options),
    list: (query = {}, options) => listing<Run>(caller, '/v1/runs', query, options),
    cancel: (id, options) =>
      caller.json<Run>({ method: 'POST', path: path`/v1/runs/${id}/cancel`, repeatable: true }, options),
    wait: (id, options) => waitForRun(caller, id, options),
    events: (id, options) => runEvents(caller, id, options),
    cases: (id, query = {}, options) => listing<Case>(caller, path`/v1/runs/${id}/cases`, query, options),
    log: async (id, options) => (await caller.open(textOf(path`/v1/runs/${id}/log`, 'text/plain'), options)).body,
    junit: async (id, options) =>
      (await caller.call(textOf(path`/v1/runs/${id}/junit`, 'application/xml'), options)).text,
    artifacts: (id, options) => listing<Artifact>(caller, path`/v1/runs/${id}/artifacts`, {}, options),
    artifact: async (id, artifactPath, options) =>
      (await caller.open(textOf(path`/v1/runs/${id}/artifacts/${artifactPath}`, '*/*'), options)).body,
  }
}

function textOf(at: string, accept: string) {
  return { method: 'GET', path: at, headers: { accept } } as const
}
