import type { Key, KeyCreate, KeyPatch, KeyRotate, NewKey } from '../contract/keys.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { path } from './request.ts'

export interface Keys {
  /** The answer is the only one that holds the key itself. */
  create(body: KeyCreate, options?: CallOptions): Promise<NewKey>
  get(id: string, options?: CallOptions): Promise<Key>
  list(options?: ListOptions): AsyncGenerator<Key, void, undefined>
  change(id: string, body: KeyPatch, options?: CallOptions): Promise<Key>
  /** A new key in place of that one. The answer is the only one that holds it. */
  rotate(id: string, body: KeyRotate, options?: CallOptions): Promise<NewKey>
  revoke(id: string, options?: CallOptions): Promise<void>
}

export function keysOf(caller: Caller): Keys {
  return {
    create: (json, options) =>
      caller.json({ method: 'POST', path: '/v1/keys', json, idempotencyKey: caller.random.uuid() }, options),
    get: (id, options) => caller.json({ method: 'GET', path: path`/v1/keys/${id}` }, options),
    list: (options) => listing(caller, '/v1/keys', {}, options),
    change: (id, json, options) => caller.json({ method: 'PATCH', path: path`/v1/keys/${id}`, json }, options),
    rotate: (id, json, options) =>
      caller.json(
        { method: 'POST', path: path`/v1/keys/${id}/rotate`, json, idempotencyKey: caller.random.uuid() },
        options,
      ),
    async revoke(id, options) {
      await caller.call({ method: 'DELETE', path: path`/v1/keys/${id}` }, options)
    },
  }
}
