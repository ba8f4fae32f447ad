import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { BlobError } from './blobs/blobs.ts'
import { exportBlobs, removeOthers } from './blobs/folder/export.ts'
import { blobNames, openGridfsBlobs } from './blobs/gridfs/gridfs.ts'
import { type Config, dataPaths } from './config.ts'
import { StartError, secretKey } from './secret-key.ts'
import { copyStore } from './store/copy/copy.ts'
import { guarded } from './store/mongo/errors.ts'
import { openMongoStore } from './store/mongo/open.ts'
import { StoreError } from './store/ports/store.ts'
import { lockFolder } from './store/sqlite/folder-lock.ts'
import { createVault } from './vault/vault.ts'

export interface CopyFacts {
  /** The name of the database. */
  readonly database: string
  readonly documents: number
  readonly collections: number
  readonly blobs: number
  /** Of the blobs. */
  readonly bytes: number
  /** The file with the secret key, or undefined: it is in VERDICT_SECRET_KEY. */
  readonly secretKeyFile: string | undefined
}

/**
 * Copies the data folder of a stopped server into a MongoDB database (`to`, a URL): documents, files, sealed secrets and
 * signing keys as they are, all read back and compared. The folder is only read. Cut off, it goes on where it was when it is
 * called again, and removes what it brought and the folder has no more. `onProgress` is told a line at a time. Throws what
 * is for the operator.
 */
export async function copyToMongo(
  config: Config,
  to: string | undefined,
  onProgress: (line: string) => void,
): Promise<CopyFacts> {
  if (!config.databaseUrl.startsWith('sqlite:'))
    throw new StartError('copy-store copies from SQLite: leave VERDICT_DATABASE_URL as that server has it.')
  if (!to || !/^mongodb(\+srv)?:\/\//.test(to))
    throw new StartError(
      'VERDICT_COPY_TO must be the address of a MongoDB database: mongodb://user:password@host:27017/verdict?replicaSet=rs0',
    )
  const paths = dataPaths(config.dataDir)
  if (!existsSync(paths.database))
    throw new StartError(`There is no database ${paths.database}. Is VERDICT_DATA_DIR that of the server?`)
  if (config.secretKey === undefined && !existsSync(paths.secretKey))
    throw new StartError(`There is no ${paths.secretKey}: give VERDICT_SECRET_KEY as that server has it.`)
  const vault = createVault(secretKey(config.secretKey, paths.secretKey))
  const lock = lockFolder(dirname(paths.database))
  try {
    const { store, db } = await openMongoStore({ url: to, maxPoolSize: 4 })
    try {
      const files = { blobs: 0, bytes: 0 }
      const copied = await copyStore({
        file: paths.database,
        target: db,
        secretKeyCheck: vault.mac('secret key check'),
        onCollection: ({ name, documents, sha256 }) => onProgress(`${name}: ${documents} documents, SHA-256 ${sha256}`),
        async beside() {
          const blobs = guarded(await openGridfsBlobs(db))
          const removed = await removeOthers(paths.blobs, blobs, blobNames(db))
          if (removed > 0) onProgress(`files: ${removed} that the source has no more, removed`)
          Object.assign(files, await exportBlobs(paths.blobs, blobs))
          onProgress(`files: ${files.blobs}, ${files.bytes} bytes`)
        },
      })
      return {
        database: db.databaseName,
        documents: copied.reduce((sum, { documents }) => sum + documents, 0),
        collections: copied.length,
        ...files,
        secretKeyFile: config.secretKey === undefined ? paths.secretKey : undefined,
      }
    } finally {
      await store.close()
    }
  } catch (error) {
    throw asOperators(error)
  } finally {
    lock.release()
  }
}

/** What a person does next, in words. */
export function copyText({ database, documents, collections, blobs, bytes, secretKeyFile }: CopyFacts): string {
  const secret = secretKeyFile
    ? `Set VERDICT_SECRET_KEY to what the file ${secretKeyFile} holds, the same on every node.`
    : 'Keep VERDICT_SECRET_KEY as it is, the same on every node.'
  return `Copied to database ${database}: ${documents} documents in ${collections} collections and ${blobs} files (${(bytes / 1e6).toFixed(1)} MB), all read back and compared. The data folder is as it was.
To cut over:
  1. Leave the server stopped: what it wrote from now on would not be in the copy.
  2. Set VERDICT_DATABASE_URL to the value of VERDICT_COPY_TO, and take VERDICT_COPY_TO away.
  3. ${secret}
  4. Keep VERDICT_PUBLIC_URL, and start the server. Keys, tokens and workers go on as before.
  5. Look at /readyz and at a run or two. To go back, take step 2 back: what was written to MongoDB since is not in the data folder.
  6. Keep the data folder until you are sure, then remove it: its secrets can be opened with the key.`
}

/** Names the setting that was meant. */
function asOperators(error: unknown): unknown {
  if (error instanceof BlobError)
    return new StartError(`The files could not be copied. ${error.message}`, { cause: error })
  if (!(error instanceof StoreError) || !error.message.includes('VERDICT_DATABASE_URL')) return error
  const message = error.message.replaceAll('VERDICT_DATABASE_URL', 'VERDICT_COPY_TO')
  return new StoreError(error.code, message, { cause: error.cause })
}
