import { ApiError, type Caller, path } from '../client/index.ts'
import type { WorkAnswer, WorkClaimed, WorkerWelcome, WorkOrder } from '../contract/work.ts'
import { WORK_PROTOCOL } from '../contract/work-protocol.ts'
import type { Acceptance, HeartbeatAnswer, Lease, Work, WorkerFacts } from './work.ts'

/** What the server will not take, for good: it is no use to say it again. */
export interface Refusal {
  readonly verb: keyof Work | 'hello'
  readonly error: ApiError
}

export interface HttpWorkOptions {
  /** The worker's own version, for people. */
  readonly version: string
  /** Told of every refusal; of a lease's verb the answer is `lost`. */
  readonly onRefused: (refusal: Refusal) => void
}

export interface HttpWork extends Work {
  /** Says what the worker is, and learns who it is to the server. Rejects with an ApiError when it is refused for good. */
  hello(worker: WorkerFacts): Promise<WorkerWelcome>
}

/** What a held call may take beyond its wait, and any other in silence, ms. */
const GRACE_MS = 15_000

/** {@link Work} over `/v1/work` of a server, by a worker's own key (design 4). */
export function httpWork(caller: Caller, { version, onRefused }: HttpWorkOptions): HttpWork {
  const said = ({ labels, runner }: WorkerFacts) => ({ protocol: WORK_PROTOCOL, version, runner, labels: [...labels] })

  function noted(verb: Refusal['verb'], error: unknown): unknown {
    if (isRefusal(error)) onRefused({ verb, error })
    return error
  }

  /** One verb of a lease. All of them may be said again (the port), so the client repeats them as it repeats a PUT. */
  async function say(lease: Lease, verb: keyof Work, json: object): Promise<WorkAnswer['answer']> {
    const request = { method: 'POST', path: `${of(lease)}/${verb}`, json, repeatable: true } as const
    try {
      return (await caller.json<WorkAnswer>(request, { patienceMs: GRACE_MS })).answer
    } catch (error) {
      noted(verb, error)
      if (isRefusal(error)) return 'lost'
      throw error
    }
  }
  const accepted = async (answer: Promise<WorkAnswer['answer']>): Promise<Acceptance> =>
    (await answer) === 'accepted' ? 'accepted' : 'lost'

  return {
    async hello(worker) {
      const request = { method: 'POST', path: '/v1/work/hello', json: said(worker), repeatable: true } as const
      try {
        return await caller.json<WorkerWelcome>(request, { patienceMs: GRACE_MS })
      } catch (error) {
        throw noted('hello', error)
      }
    },
    async claim(worker, waitMs, signal) {
      // Never repeated by the client: the job of an answer that was lost on the way is the next claim's, after its lease.
      const request = {
        method: 'POST',
        path: '/v1/work/claim',
        json: { ...said(worker), waitMs },
        ...heldFor(waitMs),
      } as const
      try {
        const { job } = await caller.json<WorkClaimed>(request, { signal, patienceMs: waitMs + GRACE_MS })
        return job ?? undefined
      } catch (error) {
        if (signal.aborted) return undefined
        throw noted('claim', error)
      }
    },
    async heartbeat(lease, waitMs, signal) {
      const request = { method: 'POST', path: `${of(lease)}/heartbeat`, json: { waitMs }, repeatable: true } as const
      try {
        const options = { signal, patienceMs: waitMs + GRACE_MS }
        return orderOf(await caller.json<WorkOrder>({ ...request, ...heldFor(waitMs) }, options))
      } catch (error) {
        noted('heartbeat', error)
        if (isRefusal(error)) return { order: 'lost' }
        throw error
      }
    },
    log: (lease, seq, text) => accepted(say(lease, 'log', { seq, text })),
    cases: (lease, seq, cases) => accepted(say(lease, 'cases', { seq, cases })),
    finish: (lease, outcome) => accepted(say(lease, 'finish', outcome)),
    release: (lease) => accepted(say(lease, 'release', {})),
    async archive(lease) {
      try {
        const request = { method: 'GET', path: `${of(lease)}/archive` } as const
        return (await caller.open(request, { patienceMs: GRACE_MS })).body
      } catch (error) {
        if (error instanceof ApiError && error.code === 'not_found') return undefined
        throw noted('archive', error)
      }
    },
    async artifact(lease, name, content) {
      // At most what a run's artifacts may have together; one at a time.
      const chunks: Uint8Array[] = []
      for await (const chunk of content) chunks.push(chunk)
      const bytes = { type: 'application/octet-stream', content: Buffer.concat(chunks) }
      try {
        const request = { method: 'PUT', path: `${of(lease)}/artifacts/${path`${name}`}`, bytes } as const
        return (await caller.json<WorkAnswer>(request, { patienceMs: GRACE_MS })).answer
      } catch (error) {
        noted('artifact', error)
        // The file itself is at fault, not the lease: a heartbeat tells of that.
        if (isRefusal(error)) return 'no_room'
        throw error
      }
    },
  }
}

const of = ({ run, attempt }: Lease) => path`/v1/work/${run}/${String(attempt)}`
const heldFor = (waitMs: number) => ({ silenceMs: waitMs + GRACE_MS })

function orderOf({ order, reason }: WorkOrder): HeartbeatAnswer {
  return order === 'cancel' ? { order, reason: reason ?? 'cancelled_by_user' } : { order }
}

/** The server itself said no, and will say so again. What a proxy says, and "not now", may pass. */
function isRefusal(error: unknown): error is ApiError {
  if (!(error instanceof ApiError) || error.code === 'not_verdict' || error.code === 'redirect') return false
  return error.status >= 400 && error.status < 500 && error.status !== 429
}
