import { constants } from 'node:fs'
import { copyFile, mkdir, open, readdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const BLOB = /^[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{64}$/

/**
 * Copies the blobs of a folder that the other one lacks, durably, also while a server works with them: a blob never changes.
 * One that is removed meanwhile is left out. Answers how many there are in the other one then, and their size in bytes.
 */
export async function copyBlobs(from: string, to: string): Promise<{ blobs: number; bytes: number }> {
  let [blobs, bytes] = [0, 0]
  const there = new Set(await blobsIn(to))
  for (const path of await blobsIn(from)) {
    if (!there.has(path)) await copy(join(from, path), join(to, path))
  }
  for (const path of await blobsIn(to)) {
    const file = await open(join(to, path))
    bytes += (await file.stat()).size
    blobs++
    await file.close()
  }
  return { blobs, bytes }
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  const unfinished = `${to}.unfinished`
  try {
    // A clone where the file system can: it takes no time and no room.
    await copyFile(from, unfinished, constants.COPYFILE_FICLONE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const file = await open(unfinished, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(unfinished, to)
}

/** The paths of the blobs below the folder, with `/`. */
export async function blobsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.map((name) => name.replaceAll('\\', '/')).filter((name) => BLOB.test(name))
}
