import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import tar from 'tar-stream'
import { ARCHIVE_MAX_BYTES, UNPACKED_LIMITS } from '../contract/archive-limits.ts'
import { digestFiles } from './digest.ts'
import { byPath, type TreeEntry, type TreeFile } from './entry.ts'
import { foldersAbove } from './path.ts'
import { formatSize } from './size.ts'
import { TreeError, TreeTooLargeError } from './tree-error.ts'
import { readable } from './walk.ts'

/** A packed tree. */
export interface PackedTree {
  /** A tar.gz. Equal trees give equal bytes with the same version of zlib. */
  archive: Uint8Array
  /** SHA-256 of the archive, hexadecimal: its name. */
  sha256: string
  /** Of the files themselves: equal for equal trees, whatever packed them. */
  filesDigest: string
  /** How many files and links. */
  files: number
  /** Their bytes before packing. */
  bytes: number
}

type Sink = ReturnType<tar.Pack['entry']>

const CHUNK_BYTES = 256 * 1024
const GZIP_LEVEL = 6
/** RFC 1952 2.3.1: 255 is "unknown"; zlib writes the system that it was built for. */
const GZIP_OS_BYTE = 9
const GZIP_OS_UNKNOWN = 255
const TAR_BLOCK = 512
/** A file's header, and that of a long or non-ASCII path with its text. */
const TAR_OVERHEAD = 3 * TAR_BLOCK

/**
 * Packs the chosen files of the tree at `root`: sorted, without times, owners or names, with modes 0644 and 0755 only.
 * Reads no further than `maxBytes` of archive. Throws {@link TreeTooLargeError} for a tree that packs to more, or unpacks to
 * more than a server takes, and {@link TreeError} when a file cannot be read or changes meanwhile.
 */
export async function packTree(
  root: string,
  files: readonly TreeFile[],
  { maxBytes = ARCHIVE_MAX_BYTES }: { maxBytes?: number } = {},
): Promise<PackedTree> {
  refuseTooLargeUnpacked(files)
  const sorted = [...files].sort(byPath)
  const pack = tar.pack()
  const gzip = createGzip({ level: GZIP_LEVEL })
  const chunks: Buffer[] = []
  let packed = 0
  gzip.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    packed += chunk.length
    if (packed > maxBytes) gzip.destroy(new TreeTooLargeError(`pack to more than ${formatSize(maxBytes)}`, files))
  })
  pack.on('error', (error) => gzip.destroy(error))
  gzip.on('error', (error) => pack.destroy(error))
  pack.pipe(gzip)
  const ended = finished(gzip)
  ended.catch(() => undefined)
  const entries: TreeEntry[] = []
  try {
    for (const file of sorted) entries.push(await addFile(pack, root, file))
    pack.finalize()
  } catch (error) {
    // Once gzip has ended by itself, that the pack stream was destroyed is only what followed.
    if (!gzip.destroyed) pack.destroy(error as Error)
    await ended
    throw error
  }
  await ended
  const archive = Buffer.concat(chunks)
  archive[GZIP_OS_BYTE] = GZIP_OS_UNKNOWN
  return {
    archive,
    sha256: createHash('sha256').update(archive).digest('hex'),
    filesDigest: digestFiles(entries),
    files: entries.length,
    bytes: entries.reduce((sum, { size }) => sum + size, 0),
  }
}

/** Known from the sizes alone, before a byte is read. */
function refuseTooLargeUnpacked(files: readonly TreeFile[]): void {
  const paths = new Set(files.flatMap(({ path }) => [...foldersAbove(path), path]))
  if (paths.size > UNPACKED_LIMITS.entries) {
    throw new TreeTooLargeError(`and their folders are ${paths.size}, more than ${UNPACKED_LIMITS.entries}`, files)
  }
  const bytes = files.reduce((sum, { size }) => sum + TAR_OVERHEAD + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK, 0)
  if (bytes > UNPACKED_LIMITS.bytes) {
    throw new TreeTooLargeError(`have ${formatSize(bytes)}, more than ${formatSize(UNPACKED_LIMITS.bytes)}`, files)
  }
}

async function addFile(pack: tar.Pack, root: string, file: TreeFile): Promise<TreeEntry> {
  const header = { name: file.path, mode: file.mode, mtime: new Date(0), uid: 0, gid: 0 }
  if (file.target !== undefined) {
    await written((done) => pack.entry({ ...header, type: 'symlink', linkname: file.target }, done))
    return { ...file, sha256: createHash('sha256').update(file.target).digest('hex') }
  }
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  const handle = await readable(file.path, open(join(root, file.path), flags))
  try {
    const { size } = await handle.stat()
    if (size !== file.size) throw changed(file.path)
    const hash = createHash('sha256')
    let entry: Sink | undefined
    const done = written((callback) => {
      entry = pack.entry({ ...header, type: 'file', size }, callback)
    })
    // What an entry has to say, its callback says; as an event it would end the process.
    entry!.on('error', () => undefined)
    await Promise.all([done, copy(handle, file.path, size, entry!, hash)])
    return { ...file, size, sha256: hash.digest('hex') }
  } finally {
    await handle.close()
  }
}

async function copy(handle: FileHandle, path: string, size: number, entry: Sink, hash: Hash): Promise<void> {
  for (let left = size; left > 0 && !entry.destroyed; ) {
    const chunk = Buffer.allocUnsafe(Math.min(left, CHUNK_BYTES))
    const { bytesRead } = await readable(path, handle.read(chunk))
    if (bytesRead === 0) throw changed(path)
    left -= bytesRead
    const read = chunk.subarray(0, bytesRead)
    hash.update(read)
    if (!entry.write(read)) await writable(entry)
  }
  entry.end(null)
}

/** When the entry takes more, or never will because the archive was given up. */
function writable(entry: Sink): Promise<void> {
  return new Promise((resolve) => {
    const ready = () => {
      entry.off('drain', ready).off('close', ready)
      resolve()
    }
    entry.on('drain', ready).on('close', ready)
  })
}

function written(write: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => write((error) => (error ? reject(error) : resolve())))
}

function changed(path: string): TreeError {
  return new TreeError('changed', `${path} changed while it was packed: run again when nothing writes to it`)
}
