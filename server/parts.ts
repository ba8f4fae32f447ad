import { mkdirSync } from 'node:fs'
import type { Blobs } from './blobs/blobs.ts'
import { openFolderBlobs } from './blobs/folder/folder.ts'
import type { Clock } from './clock.ts'
import { type Config, dataPaths } from './config.ts'
import { StartError, secretKey } from './secret-key.ts'
import type { Store } from './store/ports/store.ts'
import { openSqliteStore } from './store/sqlite/open.ts'
import { createVault, type Vault } from './vault/vault.ts'

/** What keeps things: the adapters that the configuration chooses. */
export interface Parts {
  readonly store: Store
  readonly blobs: Blobs
  readonly vault: Vault
  readonly clock: Clock
}

/** Opens the data folder, and checks that it was written with this secret key. */
export async function openParts(config: Config, clock: Clock): Promise<Parts> {
  const paths = dataPaths(config.dataDir)
  const store = await openSqliteStore({ file: paths.database, clock })
  try {
    const vault = createVault(secretKey(config.secretKey, paths.secretKey))
    const check = vault.mac('secret key check')
    if ((await store.installation.keep('secret-key-check', check)) !== check) {
      throw new StartError(
        'VERDICT_SECRET_KEY is not the key that this data was written with. Give the same key, or put the secret-key file back from a backup.',
      )
    }
    mkdirSync(paths.runs, { recursive: true, mode: 0o711 })
    return { store, vault, clock, blobs: await openFolderBlobs(paths.blobs) }
  } catch (error) {
    await store.close()
    throw error
  }
}
