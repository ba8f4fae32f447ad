import type { WorkerHello, WorkerWelcome } from '../../contract/work.ts'
import { WORK_PROTOCOL } from '../../contract/work-protocol.ts'
import type { Job, Work } from '../../worker/work.ts'
import type { Store } from '../store/ports/store.ts'
import type { WorkerRecord } from '../store/ports/workers.ts'
import type { Caller } from './caller.ts'
import { Problem } from './problem.ts'
import type { Revocation } from './revocation.ts'
import type { WorkSide } from './work.ts'
import { labelsOf } from './workers.ts'

/** The work of workers that come by HTTP, each with its own token. */
export interface RemoteWork {
  /** Notes what the worker is, and tells it who it is. Throws `worker_protocol`, `unsandboxed`. */
  hello(caller: Caller, facts: WorkerHello): Promise<WorkerWelcome>
  /** See {@link Work.claim}. A job that the worker cannot be told any more goes back into the queue. */
  claim(caller: Caller, facts: WorkerHello, waitMs: number, signal: AbortSignal): Promise<Job | undefined>
  /** All other verbs. A held heartbeat ends when the worker is removed. */
  of(caller: Caller): Omit<Work, 'claim'>
}

export interface RemoteWorkOptions {
  readonly store: Store
  readonly work: WorkSide
  readonly revocation: Revocation
  /** The server's own, for messages. */
  readonly version: string
}

export function remoteWork(options: RemoteWorkOptions): RemoteWork {
  const { store, work, revocation } = options

  const refusal = ({ tokenId: jti, key: client_id, user: sub, workspace }: Caller) =>
    revocation.refusal({ jti, client_id, sub, workspace })

  const removed = () => new Problem('invalid_token', 'The access token is not good any more: the worker was removed.')

  /** Aborts when the signal does, or once the worker is removed. */
  function whileGood(caller: Caller, signal: AbortSignal): { signal: AbortSignal; end(): void } {
    const over = new AbortController()
    const end = revocation.onChange(() => {
      if (refusal(caller) !== undefined) over.abort()
    })
    if (refusal(caller) !== undefined) over.abort()
    return { signal: AbortSignal.any([signal, over.signal]), end }
  }

  async function known(caller: Caller, facts: WorkerHello): Promise<WorkerRecord> {
    const { protocol, version, runner, labels } = facts
    if (protocol !== WORK_PROTOCOL) {
      const [older, newer] = protocol < WORK_PROTOCOL ? ['worker', 'server'] : ['server', 'worker']
      throw new Problem(
        'worker_protocol',
        `The worker (Verdict ${version}) speaks protocol ${protocol}, this server (Verdict ${options.version}) protocol ${WORK_PROTOCOL}: bring the ${older} to the version of the ${newer}.`,
      )
    }
    const worker = await store.workers.get(caller.user)
    if (!worker || worker.revokedAt !== null) throw removed()
    if (worker.workspace === null && runner === 'process')
      throw new Problem(
        'unsandboxed',
        'A shared worker runs the suites of every workspace, and this one has no sandbox: make its sandbox work, or make a worker of one workspace.',
      )
    const said = { labels, runner, version }
    await store.workers.markSeen(worker.id, said)
    return { ...worker, said }
  }

  const sideOf = ({ user, workspace }: Caller) => work.forWorker(user, workspace === '' ? undefined : workspace)

  return {
    async hello(caller, facts) {
      const { id, name, workspace } = await known(caller, facts)
      return { worker: { id, name, workspace }, protocol: WORK_PROTOCOL }
    },
    async claim(caller, facts, waitMs, signal) {
      const worker = await known(caller, facts)
      const watch = whileGood(caller, signal)
      const side = sideOf(caller)
      try {
        const job = await side.claim({ labels: labelsOf(worker), runner: facts.runner }, waitMs, watch.signal)
        if (!watch.signal.aborted) return job
        if (job) await side.release(job.lease)
        if (refusal(caller) !== undefined) throw removed()
        return undefined
      } finally {
        watch.end()
      }
    },
    of(caller) {
      const side = sideOf(caller)
      return {
        ...side,
        async heartbeat(lease, waitMs, signal) {
          await store.workers.markSeen(caller.user)
          const watch = whileGood(caller, signal)
          try {
            const order = await side.heartbeat(lease, waitMs, watch.signal)
            if (refusal(caller) !== undefined) throw removed()
            return order
          } finally {
            watch.end()
          }
        },
      }
    },
  }
}
