import type {
  Callback,
  CallbackCreate,
  CallbackPatch,
  NewCallback,
  NewSecret,
  SecretRotate,
} from '../contract/callbacks.ts'
import type { Delivery, DeliveryDetail } from '../contract/deliveries.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { path } from './request.ts'

/** Addresses that are told what happens, and what was sent to them. */
export interface Callbacks {
  /** The answer is the only one that holds the secret. */
  create(body: CallbackCreate, options?: CallOptions): Promise<NewCallback>
  get(id: string, options?: CallOptions): Promise<Callback>
  list(options?: ListOptions): AsyncGenerator<Callback, void, undefined>
  change(id: string, body: CallbackPatch, options?: CallOptions): Promise<Callback>
  delete(id: string, options?: CallOptions): Promise<void>
  /** Not repeated by itself: a second rotation would end the secret that the first one made. */
  rotateSecret(id: string, body: SecretRotate, options?: CallOptions): Promise<NewSecret>
  /** The secret that signs what goes to the `callbackUrl` of runs. */
  rotateRunSecret(body: SecretRotate, options?: CallOptions): Promise<NewSecret>
  test(id: string, options?: CallOptions): Promise<Delivery>
  deliveries(
    filter?: { readonly callback?: string; readonly state?: Delivery['state'] },
    options?: ListOptions,
  ): AsyncGenerator<Delivery, void, undefined>
  delivery(id: string, options?: CallOptions): Promise<DeliveryDetail>
  redeliver(id: string, options?: CallOptions): Promise<Delivery>
}

export function callbacksOf(caller: Caller): Callbacks {
  return {
    create: (json, options) =>
      caller.json({ method: 'POST', path: '/v1/callbacks', json, idempotencyKey: caller.random.uuid() }, options),
    get: (id, options) => caller.json({ method: 'GET', path: path`/v1/callbacks/${id}` }, options),
    list: (options) => listing(caller, '/v1/callbacks', {}, options),
    change: (id, json, options) => caller.json({ method: 'PATCH', path: path`/v1/callbacks/${id}`, json }, options),
    async delete(id, options) {
      await caller.call({ method: 'DELETE', path: path`/v1/callbacks/${id}` }, options)
    },
    rotateSecret: (id, json, options) =>
      caller.json({ method: 'POST', path: path`/v1/callbacks/${id}/rotate-secret`, json }, options),
    rotateRunSecret: (json, options) =>
      caller.json({ method: 'POST', path: '/v1/callback-secret/rotate', json }, options),
    test: (id, options) => caller.json({ method: 'POST', path: path`/v1/callbacks/${id}/test` }, options),
    deliveries: (filter, options) => listing(caller, '/v1/deliveries', { ...filter }, options),
    delivery: (id, options) => caller.json({ method: 'GET', path: path`/v1/deliveries/${id}` }, options),
    redeliver: (id, options) => caller.json({ method: 'POST', path: path`/v1/deliveries/${id}/redeliver` }, options),
  }
}
