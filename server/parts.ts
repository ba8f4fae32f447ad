import { mkdirSync } from 'node:fs'
import type { Blobs } from './blobs/blobs.ts'
import { openFolderBlobs } from './blobs/folder/folder.ts'
import { openGridfsBlobs } from './blobs/gridfs/gridfs.ts'
import type { Clock } from './clock.ts'
import { type Config, dataPaths } from './config.ts'
import { StartError, secretKey } from './secret-key.ts'
import { refuseUnfinishedCopy } from './store/copy/marker.ts'
import { guarded } from './store/mongo/errors.ts'
import { openMongoStore } from './store/mongo/open.ts'
import type { Store } from './store/ports/store.ts'
import { openSqliteStore } from './store/sqlite/open.ts'
import { storeClock } from './store-clock.ts'
import { createVault, type Vault } from './vault/vault.ts'
import { changeStreamWake } from './wake/change-stream.ts'
import { localWake } from './wake/local.ts'
import type { Wake } from './wake/wake.ts'

/** What keeps things: the adapters that the configuration chooses. */
export interface Parts {
  readonly store: Store
  readonly blobs: Blobs
  readonly wake: Wake
  /** Whether other processes work on the same store. */
  readonly shared: boolean
  readonly vault: Vault
  /** The store's time. */
  readonly clock: Clock
}

type Kept = Omit<Parts, 'vault'>

/** An API node serves many at once; a sender or an embedded worker asks for little. */
const POOL = { api: 50, other: 10 }

/**
 * Opens what the configuration names, and checks that it was written with this secret key. `onNote` is told of what an
 * operator should know while the server runs.
 */
export async function openParts(
  config: Config,
  clock: Clock,
  onNote: (note: string) => void = () => undefined,
): Promise<Parts> {
  const paths = dataPaths(config.dataDir)
  const kept = config.databaseUrl.startsWith('sqlite:')
    ? await openFolder(config, clock)
    : await openMongo(config, clock, onNote)
  try {
    const vault = createVault(secretKey(config.secretKey, paths.secretKey))
    const check = vault.mac('secret key check')
    if ((await kept.store.installation.keep('secret-key-check', check)) !== check) {
      throw new StartError(
        'VERDICT_SECRET_KEY is not the key that this data was written with. Give the same key, or put the secret-key file back from a backup.',
      )
    }
    mkdirSync(paths.runs, { recursive: true, mode: 0o711 })
    return { ...kept, vault }
  } catch (error) {
    await kept.store.close()
    throw error
  }
}

async function openFolder(config: Config, clock: Clock): Promise<Kept> {
  const paths = dataPaths(config.dataDir)
  const store = await openSqliteStore({ file: paths.database, clock })
  try {
    return { store, blobs: await openFolderBlobs(paths.blobs), wake: localWake(), shared: false, clock }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function openMongo(config: Config, clock: Clock, onNote: (note: string) => void): Promise<Kept> {
  const retention = {
    logsDays: config.keepLogsDays,
    runsDays: config.keepRunsDays,
    auditDays: config.keepAuditDays,
  }
  const maxPoolSize = config.roles.includes('api') ? POOL.api : POOL.other
  const { store, db, warnings } = await openMongoStore({ url: config.databaseUrl, maxPoolSize, retention })
  try {
    await refuseUnfinishedCopy(db)
    for (const warning of warnings) onNote(warning)
    const time = storeClock(clock, () => store.now())
    await time.ask()
    const blobs = guarded(await openGridfsBlobs(db))
    const wake = changeStreamWake({
      runs: db.collection('runs'),
      after: (ms, callback) => clock.after(ms, callback),
      onNote,
    })
    const close = async () => {
      wake.close()
      await store.close()
    }
    return { store: { ...store, now: time.ask, close }, blobs, wake, shared: true, clock: time.clock }
  } catch (error) {
    await store.close()
    throw error
  }
}
