import { accessSync, constants, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Store, StoreError } from '../ports/store.ts'
import { sqliteArchives } from './archives.ts'
import { sqliteArtifacts } from './artifacts.ts'
import { sqliteAudit } from './audit.ts'
import { sqliteCallbacks } from './callbacks.ts'
import { sqliteCases } from './cases.ts'
import { openConnection } from './connection.ts'
import { Database } from './database.ts'
import { sqliteDeliveries } from './deliveries.ts'
import { lockFolder } from './folder-lock.ts'
import { sqliteIdempotency } from './idempotency.ts'
import { sqliteInstallation } from './installation.ts'
import { sqliteInvitations } from './invitations.ts'
import { sqliteKeys } from './keys.ts'
import { sqliteLeases } from './leases.ts'
import { sqliteMemberships } from './memberships.ts'
import { sqliteOutbox } from './outbox.ts'
import { sqliteQueue } from './queue.ts'
import { sqliteRevocations } from './revocations.ts'
import { sqliteRunLog } from './run-log.ts'
import { sqliteRuns } from './runs.ts'
import { sqliteSigningKeys } from './signing-keys.ts'
import { sqliteSuiteSecrets } from './suite-secrets.ts'
import { sqliteSuites } from './suites.ts'
import { sqliteTriggers } from './triggers.ts'
import { sqliteUsage } from './usage.ts'
import { sqliteUsers } from './users.ts'
import { sqliteWorkers } from './workers.ts'
import { sqliteWorkspaces } from './workspaces.ts'

export type SqliteOptions = ({ file: string } | { memory: true }) & {
  clock: { now(): number }
  /** How far apart commits are that only log chunks ask for, milliseconds of real time. */
  logGroupMs?: number
}

/** Log chunks are worth a commit of their own this often, and no run's log is later than this. */
const LOG_GROUP_MS = 50

/**
 * The store in one SQLite file (its folder is made when it is missing, and taken for this process alone), or in memory.
 * Rejects with a {@link StoreError} that says what to do: folder in use or not writable, not a database of ours, a schema
 * newer than this program.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const file = 'file' in options ? options.file : ':memory:'
  const lock = 'file' in options ? takeFolder(dirname(options.file)) : undefined
  let db: Database
  try {
    const patienceMs = options.logGroupMs ?? LOG_GROUP_MS
    db = new Database(openConnection(file), { now: () => options.clock.now(), patienceMs })
  } catch (error) {
    lock?.release()
    throw error
  }
  return {
    archives: sqliteArchives(db),
    artifacts: sqliteArtifacts(db),
    audit: sqliteAudit(db),
    callbacks: sqliteCallbacks(db),
    cases: sqliteCases(db),
    deliveries: sqliteDeliveries(db),
    idempotency: sqliteIdempotency(db),
    installation: sqliteInstallation(db),
    invitations: sqliteInvitations(db),
    keys: sqliteKeys(db),
    leases: sqliteLeases(db),
    memberships: sqliteMemberships(db),
    outbox: sqliteOutbox(db),
    queue: sqliteQueue(db),
    revocations: sqliteRevocations(db),
    runLog: sqliteRunLog(db),
    runs: sqliteRuns(db),
    signingKeys: sqliteSigningKeys(db),
    suiteSecrets: sqliteSuiteSecrets(db),
    suites: sqliteSuites(db),
    usage: sqliteUsage(db),
    triggers: sqliteTriggers(db),
    users: sqliteUsers(db),
    workers: sqliteWorkers(db),
    workspaces: sqliteWorkspaces(db),
    async ping() {
      await db.write(() => db.run(PING_SQL.ping, { now: String(db.now()) }))
    },
    now: async () => db.now(),
    async close() {
      try {
        db.close()
      } finally {
        lock?.release()
      }
    },
  }
}

export const PING_SQL = {
  ping: `INSERT INTO installation (name, value) VALUES ('ping', :now) ON CONFLICT DO UPDATE SET value = excluded.value`,
}

function takeFolder(folder: string) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK | constants.X_OK)
    return lockFolder(folder)
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError(
      'unavailable',
      `Data folder ${folder} cannot be written to (${error instanceof Error ? error.message : error}). ` +
        'Give its owner to the user that runs Verdict, or name another folder (VERDICT_DATA_DIR).',
      { cause: error },
    )
  }
}
