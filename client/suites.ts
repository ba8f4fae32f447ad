import type { Revision, SecretName, Suite, SuitePut } from '../contract/suites.ts'
import type { Caller, CallOptions } from './call.ts'
import { type ListOptions, listing } from './listing.ts'
import { path } from './request.ts'

export interface Suites {
  /** Pushes; equal content makes no new revision. */
  put(name: string, body: SuitePut, options?: CallOptions): Promise<Suite>
  get(name: string, options?: CallOptions): Promise<Suite>
  list(options?: ListOptions): AsyncGenerator<Suite, void, undefined>
  revisions(name: string, options?: ListOptions): AsyncGenerator<Revision, void, undefined>
  delete(name: string, options?: CallOptions): Promise<void>
  /** Names and dates; values are never given back. */
  secrets(name: string, options?: ListOptions): AsyncGenerator<SecretName, void, undefined>
  setSecret(name: string, secret: string, value: string, options?: CallOptions): Promise<void>
  deleteSecret(name: string, secret: string, options?: CallOptions): Promise<void>
}

export function suitesOf(caller: Caller): Suites {
  return {
    put: (name, json, options) => caller.json({ method: 'PUT', path: path`/v1/suites/${name}`, json }, options),
    get: (name, options) => caller.json({ method: 'GET', path: path`/v1/suites/${name}` }, options),
    list: (options) => listing(caller, '/v1/suites', {}, options),
    revisions: (name, options) => listing(caller, path`/v1/suites/${name}/revisions`, {}, options),
    async delete(name, options) {
      await caller.call({ method: 'DELETE', path: path`/v1/suites/${name}` }, options)
    },
    secrets: (name, options) => listing(caller, path`/v1/suites/${name}/secrets`, {}, options),
    async setSecret(name, secret, value, options) {
      const at = path`/v1/suites/${name}/secrets/${secret}`
      await caller.call({ method: 'PUT', path: at, json: { value } }, options)
    },
    async deleteSecret(name, secret, options) {
      await caller.call({ method: 'DELETE', path: path`/v1/suites/${name}/secrets/${secret}` }, options)
    },
  }
}
