import type { NewWorker, Worker, WorkerCreate } from '../contract/workers.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { path } from './request.ts'

/** Workers on other machines: for who holds `workers:write`. */
export interface Workers {
  /** The answer is the only one that holds the worker's key. */
  create(body: WorkerCreate, options?: CallOptions): Promise<NewWorker>
  list(options?: ListOptions): AsyncGenerator<Worker, void, undefined>
  /** Ends its key. */
  remove(id: string, options?: CallOptions): Promise<void>
}

export function workersOf(caller: Caller): Workers {
  return {
    create: (json, options) =>
      caller.json({ method: 'POST', path: '/v1/workers', json, idempotencyKey: caller.random.uuid() }, options),
    list: (options) => listing(caller, '/v1/workers', {}, options),
    async remove(id, options) {
      await caller.call({ method: 'DELETE', path: path`/v1/workers/${id}` }, options)
    },
  }
}
