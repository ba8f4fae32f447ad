import type { Key, KeyCreate, NewKey } from '../contract/keys.ts'
import type { User, UserCreate } from '../contract/users.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { path } from './request.ts'

/** Users and, on their behalf, their keys: for who holds `users:write`. */
export interface Users {
  create(body: UserCreate, options?: CallOptions): Promise<User>
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
    list: (options) => listing(caller, '/v1/users', {}, options),
    createKey: (id, body, options) => make(path`/v1/users/${id}/keys`, body, options),
    keys: (id, options) => listing(caller, path`/v1/users/${id}/keys`, {}, options),
  }
}
