import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BlobError, type Blobs } from '../blobs.ts'

const SHA256 = /^[0-9a-f]{64}$/
/** Where contents are written before they have a name. Never a fan-out folder: those have two characters. */
const INCOMING = 'incoming'

/**
 * Blobs as files `ab/cd/abcd…` below a folder, which is made when it is missing. What an earlier process left half written
 * is removed. `name` gives the names of unfinished files.
 */
export async function openFolderBlobs(folder: string, name: () => string = randomUUID): Promise<Blobs> {
  const incoming = join(folder, INCOMING)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await rm(incoming, { recursive: true, force: true })
  await mkdir(incoming, { mode: 0o700 })
  const pathOf = (sha256: string) => join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256)

  async function put(content: AsyncIterable<Uint8Array>, options: { expected?: string; maxBytes: number }) {
    const temporary = join(incoming, name())
    try {
      const written = await write(temporary, content, options.maxBytes)
      if (options.expected !== undefined && options.expected !== written.sha256) {
        throw new BlobError(
          'digest_mismatch',
          `The content has the SHA-256 ${written.sha256}, not the announced ${options.expected}.`,
        )
      }
      await settle(temporary, pathOf(written.sha256), folder)
      return written
    } catch (error) {
      await rm(temporary, { force: true })
      throw asBlobError(error)
    }
  }

  return {
    put,
    async get(sha256) {
      const bytes = SHA256.test(sha256) ? await sizeOf(pathOf(sha256)) : undefined
      return bytes === undefined ? undefined : { bytes, content: read(pathOf(sha256)) }
    },
    async has(sha256) {
      return SHA256.test(sha256) && (await sizeOf(pathOf(sha256))) !== undefined
    },
    async delete(sha256, options) {
      if (!SHA256.test(sha256)) return
      if (options && (await isYoungerThan(pathOf(sha256), options.unlessPutWithinMs))) return
      await rm(pathOf(sha256), { force: true })
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    },
  }
}

async function write(path: string, content: AsyncIterable<Uint8Array>, maxBytes: number) {
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of content) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new BlobError('too_large', `The content is larger than ${maxBytes} bytes.`)
      hash.update(chunk)
      await writeWhole(file, chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** One write may take only a part of what it is given, above all when the disk is nearly full. */
async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += (await file.write(chunk, done, chunk.length - done)).bytesWritten
  }
}

/** Gives the file its name so that it has it after a power cut, too: every folder that got an entry is synced. */
async function settle(temporary: string, path: string, root: string): Promise<void> {
  const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rename(temporary, path)
  await syncFolder(dirname(path))
  if (made === undefined) return
  await syncFolder(dirname(dirname(path)))
  await syncFolder(root)
}

async function syncFolder(path: string): Promise<void> {
  // Windows can neither open nor sync a folder.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Every put writes the file anew, so its time is that of the last put. */
async function isYoungerThan(path: string, ms: number): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }))
  return Date.now() - mtimeMs < ms
}

/** Opens the file when the first byte is asked for: an answer that nobody reads holds nothing open. */
async function* read(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path)
}

function asBlobError(error: unknown): unknown {
  const code = codeOf(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new BlobError('no_room', 'There is no room left on the disk of the data folder.', { cause: error })
    : error
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
