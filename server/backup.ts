import { existsSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { copyBlobs } from './blobs/folder/copy.ts'
import { type Config, dataPaths } from './config.ts'
import { StartError } from './secret-key.ts'
import { copyDatabase } from './store/sqlite/copy.ts'

export interface BackupFacts {
  readonly folder: string
  readonly blobs: number
  /** Of the blobs. */
  readonly bytes: number
  /** Whether the copy holds the key that opens its secrets; else it is in VERDICT_SECRET_KEY. */
  readonly hasSecretKey: boolean
}

/**
 * A consistent copy of the data folder of a deployment with SQLite, a new folder that a server can be started on, made while
 * the server runs or not. Whole or not at all: until it is done it is called `….unfinished`.
 */
export async function backup(config: Config, to: string): Promise<BackupFacts> {
  if (!config.databaseUrl.startsWith('sqlite:'))
    throw new StartError('Only SQLite is copied here: back up MongoDB by mongodump, or by its own snapshots.')
  const folder = resolve(to)
  await requireUnused(folder)
  const unfinished = `${folder}.unfinished`
  const [from, into] = [dataPaths(config.dataDir), dataPaths(unfinished)]
  try {
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true, mode: 0o700 })
    // Twice, around the database: whatever it names was there before it, or came since and is not removed so soon.
    await mkdir(into.blobs, { mode: 0o700 })
    await copyBlobs(from.blobs, into.blobs)
    await copyDatabase(from.database, into.database)
    const copied = await copyBlobs(from.blobs, into.blobs)
    const hasSecretKey = config.secretKey === undefined && existsSync(from.secretKey)
    if (hasSecretKey) {
      await copyFile(from.secretKey, into.secretKey)
      await sync(into.secretKey)
    }
    await sync(unfinished)
    await rename(unfinished, folder)
    await sync(dirname(folder))
    return { folder, ...copied, hasSecretKey }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EACCES' && code !== 'EROFS') throw error
    throw new StartError(`The backup ${folder} cannot be written: ${(error as Error).message}.`, { cause: error })
  }
}

/** What a person does with it, in words. */
export function backupText({ folder, blobs, bytes, hasSecretKey }: BackupFacts): string {
  const secrets = hasSecretKey
    ? 'It holds the secret key, and with it every stored secret can be opened: guard it.'
    : 'It holds no secret key: keep the value of VERDICT_SECRET_KEY, or its secrets cannot be opened.'
  return `Backed up to ${folder}: the database and ${blobs} files (${(bytes / 1e6).toFixed(1)} MB).\n${secrets}\nTo restore: stop the server, put the folder where the data folder was, start it.`
}

async function requireUnused(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new StartError(`${folder} cannot be used for a backup: ${error.message}.`, { cause: error })
  })
  if (names === undefined) return
  if (names.length > 0) throw new StartError(`${folder} is not empty: name a new folder for every backup.`)
  await rm(folder, { recursive: true })
}

/** A file, or the names in a folder. */
async function sync(path: string): Promise<void> {
  // Windows can neither open nor sync a folder.
  if (process.platform === 'win32') return
  const opened = await open(path, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}
