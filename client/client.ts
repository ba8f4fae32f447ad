import type { Me } from '../contract/me.ts'
import { type Archives, archivesOf } from './archives.ts'
import { type Caller, type CallerOptions, type CallOptions, createCaller } from './call.ts'
import { type Keys, keysOf } from './keys.ts'
import { type Runs, runsOf } from './runs.ts'
import { type Suites, suitesOf } from './suites.ts'
import { type Users, usersOf } from './users.ts'

/** One server, one key: the calls of wire 3 by noun. */
export interface Client {
  /** The server's address, without a trailing slash. */
  readonly url: string
  readonly runs: Runs
  readonly suites: Suites
  readonly archives: Archives
  readonly keys: Keys
  readonly users: Users
  me(options?: CallOptions): Promise<Me>
  /** The server's version as its last answer named it. */
  serverVersion(): string | undefined
}

/**
 * Throws an AddressError or a KeyError at once. All calls reject with an ApiError (the server answered so), an
 * UnreachableError (it did not answer), a TransportError (its certificate is not trusted), or the signal's reason.
 */
export function createClient(options: CallerOptions): Client {
  return clientOver(createCaller(options))
}

function clientOver(caller: Caller): Client {
  return {
    url: caller.url,
    runs: runsOf(caller),
    suites: suitesOf(caller),
    archives: archivesOf(caller),
    keys: keysOf(caller),
    users: usersOf(caller),
    me: (options) => caller.json<Me>({ method: 'GET', path: '/v1/me' }, options),
    serverVersion: () => caller.serverVersion(),
  }
}
