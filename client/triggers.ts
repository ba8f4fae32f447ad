import type { NewSecret, SecretRotate } from '../contract/callbacks.ts'
import type { NewTrigger, Trigger, TriggerCreate, TriggerPatch } from '../contract/triggers.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { path } from './request.ts'

/** Addresses of the server that start runs when another system's webhook arrives. */
export interface Triggers {
  /** The answer is the only one that holds the secret. */
  create(body: TriggerCreate, options?: CallOptions): Promise<NewTrigger>
  get(id: string, options?: CallOptions): Promise<Trigger>
  list(options?: ListOptions): AsyncGenerator<Trigger, void, undefined>
  change(id: string, body: TriggerPatch, options?: CallOptions): Promise<Trigger>
  delete(id: string, options?: CallOptions): Promise<void>
  /** Not repeated by itself: a second rotation would end the secret that the first one made. */
  rotateSecret(id: string, body: SecretRotate, options?: CallOptions): Promise<NewSecret>
}

export function triggersOf(caller: Caller): Triggers {
  return {
    create: (json, options) =>
      caller.json({ method: 'POST', path: '/v1/triggers', json, idempotencyKey: caller.random.uuid() }, options),
    get: (id, options) => caller.json({ method: 'GET', path: path`/v1/triggers/${id}` }, options),
    list: (options) => listing(caller, '/v1/triggers', {}, options),
    change: (id, json, options) => caller.json({ method: 'PATCH', path: path`/v1/triggers/${id}`, json }, options),
    async delete(id, options) {
      await caller.call({ method: 'DELETE', path: path`/v1/triggers/${id}` }, options)
    },
    rotateSecret: (id, json, options) =>
      caller.json({ method: 'POST', path: path`/v1/triggers/${id}/rotate-secret`, json }, options),
  }
}
