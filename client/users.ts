import type { Key, KeyCreate, NewKey } from '../contract/keys.ts'
import type { User, UserCreate, UserPatch } from '../contract/users.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { path } from './request.ts'

/** Users and, on their behalf, their keys: for who holds `users:write`. */
export interface Users {
  create(body: UserCreate, options?: CallOptions): Promise<User>
  /** The person whom your own system knows by that id: made or changed, so it may be repeated. */
  put(externalId: string, body: UserPatch, options?: CallOptions): Promise<User>
  get(id: string, options?: CallOptions): Promise<User>
  change(id: string, body: UserPatch, options?: CallOptions): Promise<User>
  delete(id: string, options?: CallOptions): Promise<void>
  list(options?: ListOptions): AsyncGenerator<User, void, undefined>
  /** The answer is the only one that holds the key itself. */
  createKey(id: string, body: KeyCreate, options?: CallOptions): Promise<NewKey>
  keys(id: string, options?: ListOptions): AsyncGenerator<Key, void, undefined>
}

export function usersOf(caller: Caller): Users {
  const make = <T>(at: string, json: object, options?: CallOptions) =>
    caller.json<T>({ method: 'POST', path: at, json, idempotencyKey: caller.random.uuid() }, options)
  return {
    create: (body, options) => make('/v1/users', body, options),
    put: (externalId, json, options) =>
      caller.json({ method: 'PUT', path: path`/v1/users/by-external-id/${externalId}`, json }, options),
    get: (id, options) => caller.json({ method: 'GET', path: path`/v1/users/${id}` }, options),
    change: (id, json, options) => caller.json({ method: 'PATCH', path: path`/v1/users/${id}`, json }, options),
    async delete(id, options) {
      await caller.call({ method: 'DELETE', path: path`/v1/users/${id}` }, options)
    },
    list: (options) => listing(caller, '/v1/users', {}, options),
    createKey: (id, body, options) => make(path`/v1/users/${id}/keys`, body, options),
    keys: (id, options) => listing(caller, path`/v1/users/${id}/keys`, {}, options),
  }
}
