import { setTimeout as sleep } from 'node:timers/promises'
import type { CommandStartedEvent, Db } from 'mongodb'
import { type Store, StoreError } from '../ports/store.ts'
import { mongoArchives } from './archives.ts'
import { mongoArtifacts } from './artifacts.ts'
import { mongoAudit } from './audit.ts'
import { mongoCallbacks } from './callbacks.ts'
import { mongoCases } from './cases.ts'
import { connect } from './connection.ts'
import { Database, type Expression } from './database.ts'
import { mongoDeliveries } from './deliveries.ts'
import { guarded } from './errors.ts'
import { mongoIdempotency } from './idempotency.ts'
import { keepFor, makeIndexes, type Retention } from './indexes.ts'
import { mongoInstallation } from './installation.ts'
import { mongoInvitations } from './invitations.ts'
import { mongoKeys } from './keys.ts'
import { mongoLeases } from './leases.ts'
import { LogGroups } from './log-groups.ts'
import { mongoMemberships } from './memberships.ts'
import { migrate } from './migrations.ts'
import { mongoOutbox } from './outbox.ts'
import { mongoQueue } from './queue.ts'
import { mongoRevocations } from './revocations.ts'
import { mongoRunLog } from './run-log.ts'
import { settleRunUsage } from './run-usage.ts'
import { mongoRuns } from './runs.ts'
import { mongoSigningKeys } from './signing-keys.ts'
import { mongoSuiteSecrets } from './suite-secrets.ts'
import { mongoSuites } from './suites.ts'
import { mongoTriggers } from './triggers.ts'
import { mongoUsage } from './usage.ts'
import { mongoUsers } from './users.ts'
import { mongoWorkers } from './workers.ts'
import { mongoWorkspaces } from './workspaces.ts'

export interface MongoOptions {
  readonly url: string
  /** Connections of this process at most. An API node wants more than a sender. */
  readonly maxPoolSize?: number
  readonly serverSelectionTimeoutMs?: number
  /** After so long the server itself removes what the sweepers left behind. Without it, it removes nothing. */
  readonly retention?: Retention
  /** How far apart writes of log chunks are, milliseconds of real time. */
  readonly logGroupMs?: number
  /** The store's time in ms since 1970, as an expression: for tests. Else the server's own clock. */
  readonly now?: () => Expression
  /** Claims bucket by bucket, as on a sharded cluster: for tests. Else as the server says. */
  readonly sharded?: boolean
  /** Is told of every command: for tests. */
  readonly onCommand?: (command: CommandStartedEvent) => void
}

export interface MongoStore {
  readonly store: Store
  /** For blobs and wake, which live beside the store. Closed with it. */
  readonly db: Db
  /** Without it changes cannot be listened to, and a write does not survive the server. */
  readonly replicaSet: boolean
  /** What an operator should know. */
  readonly warnings: readonly string[]
}

const POOL = 50
const SERVER_SELECTION_MS = 5000
/** Log chunks are worth a write of their own this often, and no run's log is later than this. */
const LOG_GROUP_MS = 50

/**
 * The store in a MongoDB database: its indexes are made, its schema is brought up to date by one node while others wait.
 * Rejects with a {@link StoreError} that says what to do: not a URL of MongoDB, nothing there, wrong credentials, a user who
 * may only read, a server that is too old, a schema that is too new, a database of another program.
 */
export async function openMongoStore(options: MongoOptions): Promise<MongoStore> {
  const { client, db, replicaSet, sharded } = await connect({
    url: options.url,
    maxPoolSize: options.maxPoolSize ?? POOL,
    serverSelectionTimeoutMs: options.serverSelectionTimeoutMs ?? SERVER_SELECTION_MS,
    onCommand: options.onCommand,
  })
  const database = new Database(db, { now: options.now, sharded: options.sharded ?? sharded })
  const { prepare } = guarded({ prepare: () => prepareDatabase(db, database, options.retention) })
  try {
    await prepare()
  } catch (error) {
    await client.close().catch(() => undefined)
    throw error instanceof StoreError ? forOperator(error, db.databaseName) : error
  }
  const groups = new LogGroups(database, options.logGroupMs ?? LOG_GROUP_MS)
  const store: Store = {
    ...portsOf(database, groups),
    ...guarded({
      ping: () => writeSomething(db),
      now: () => database.time(),
      async close() {
        await groups.close()
        // Statistics: a store that is away keeps nobody from stopping.
        await settleRunUsage(database).catch(() => undefined)
        await client.close()
      },
    }),
  }
  const warnings = replicaSet
    ? []
    : [
        'MongoDB is no replica set: waiting clients are told of changes by polling, and a write does not survive the server. One member is enough (docs/scaling.md).',
      ]
  return { store, db, replicaSet, warnings }
}

function portsOf(db: Database, groups: LogGroups): Omit<Store, 'ping' | 'now' | 'close'> {
  return {
    archives: guarded(mongoArchives(db)),
    artifacts: guarded(mongoArtifacts(db)),
    audit: guarded(mongoAudit(db)),
    callbacks: guarded(mongoCallbacks(db)),
    cases: guarded(mongoCases(db)),
    deliveries: guarded(mongoDeliveries(db)),
    idempotency: guarded(mongoIdempotency(db)),
    installation: guarded(mongoInstallation(db)),
    invitations: guarded(mongoInvitations(db)),
    keys: guarded(mongoKeys(db)),
    leases: guarded(mongoLeases(db)),
    memberships: guarded(mongoMemberships(db)),
    outbox: guarded(mongoOutbox(db)),
    queue: guarded(mongoQueue(db)),
    revocations: guarded(mongoRevocations(db)),
    runLog: guarded(mongoRunLog(db, groups)),
    runs: guarded(mongoRuns(db)),
    signingKeys: guarded(mongoSigningKeys(db)),
    suiteSecrets: guarded(mongoSuiteSecrets(db)),
    suites: guarded(mongoSuites(db)),
    triggers: guarded(mongoTriggers(db)),
    usage: guarded(mongoUsage(db)),
    users: guarded(mongoUsers(db)),
    workers: guarded(mongoWorkers(db)),
    workspaces: guarded(mongoWorkspaces(db)),
  }
}

async function prepareDatabase(db: Db, database: Database, retention: Retention | undefined): Promise<void> {
  await migrate(db, database, { sleep: (ms) => sleep(ms) })
  // What somebody dropped is made again; what is there costs nothing.
  await makeIndexes(db, database.sharded)
  if (retention) await keepFor(db, retention)
  await writeSomething(db)
}

async function writeSomething(db: Db): Promise<void> {
  await db
    .collection<{ _id: string }>('meta')
    .updateOne({ _id: 'ping' }, { $currentDate: { at: true } as never }, { upsert: true })
}

function forOperator(error: StoreError, database: string): StoreError {
  return new StoreError(error.code, `Database ${database} cannot be prepared. ${error.message}`, { cause: error.cause })
}
