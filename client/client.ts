import type { Me } from '../contract/me.ts'
import { type Archives, archivesOf } from './archives.ts'
import { type Audit, auditOf } from './audit.ts'
import { type Caller, type CallerOptions, type CallOptions, createCaller } from './call.ts'
import { type Callbacks, callbacksOf } from './callbacks.ts'
import { type Keys, keysOf } from './keys.ts'
import { type Runs, runsOf } from './runs.ts'
import { type Suites, suitesOf } from './suites.ts'
import { type Triggers, triggersOf } from './triggers.ts'
import { type Users, usersOf } from './users.ts'
import { type Workers, workersOf } from './workers.ts'
import { type Workspaces, workspacesOf } from './workspaces.ts'

/** One server, one key: the calls of wire 3 by noun. */
export interface Client {
  /** The server's address, without a trailing slash. */
  readonly url: string
  readonly runs: Runs
  readonly suites: Suites
  readonly archives: Archives
  readonly keys: Keys
  readonly callbacks: Callbacks
  readonly triggers: Triggers
  readonly users: Users
  readonly workers: Workers
  readonly workspaces: Workspaces
  readonly audit: Audit
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
    callbacks: callbacksOf(caller),
    triggers: triggersOf(caller),
    users: usersOf(caller),
    workers: workersOf(caller),
    workspaces: workspacesOf(caller),
    audit: auditOf(caller),
    me: (options) => caller.json<Me>({ method: 'GET', path: '/v1/me' }, options),
    serverVersion: () => caller.serverVersion(),
  }
}
