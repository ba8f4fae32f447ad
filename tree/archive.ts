import { createHash, type Hash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import tar from 'tar-stream'
import { ArchiveError } from './archive-error.ts'
import { type ArchiveLimits, ArchivePaths, type PathKind } from './archive-paths.ts'
import { byPath, fileMode, LINK_MODE, type TreeEntry } from './entry.ts'
import { leadsOutside } from './links.ts'

/** Where the entries of an archive go, each as soon as it was checked. Links come last, when all of them were. */
export interface ArchiveSink {
  folder(path: string): Promise<void>
  /** Must read `content` to its end. */
  file(path: string, mode: number, content: AsyncIterable<Uint8Array>): Promise<void>
  link(path: string, target: string): Promise<void>
}

/** Of an entry, as tar-stream gives it. */
type Content = AsyncIterable<Uint8Array> & { resume(): unknown }

const KINDS: Readonly<Record<string, PathKind>> = { file: 'file', symlink: 'link', directory: 'folder' }
const NAMES: Readonly<Record<string, string>> = {
  link: 'a hard link',
  'character-device': 'a device',
  'block-device': 'a device',
  fifo: 'a FIFO',
}
/** A tar ends with two blocks of zeros. */
const TAR_END = Buffer.alloc(1024)
const CHUNK_BYTES = 64 * 1024

/**
 * Reads a tar.gz as a stream, checks every entry before it reaches the sink, and returns the files and links, sorted.
 * Throws {@link ArchiveError} for whatever is wrong with the archive; errors of the source and of the sink pass through.
 * A source that is not read to its end is destroyed.
 */
export async function readArchive(
  source: Readable | Uint8Array,
  limits: ArchiveLimits,
  sink: ArchiveSink,
): Promise<TreeEntry[]> {
  const reading = new Reading(limits, sink)
  const extract = tar.extract()
  let failure: { error: unknown } | undefined
  let pending: Promise<void> = Promise.resolve()
  extract.on('entry', (header, content, next) => {
    // Whoever reads the content is told by its iterator; as an event it would end the process.
    content.on('error', () => undefined)
    pending = reading.entry(header, content as unknown as Content).then(
      () => next(),
      (error) => {
        if (!(error instanceof ContentCutOff)) failure ??= { error }
        next(error)
      },
    )
  })
  async function* input() {
    try {
      yield* source instanceof Uint8Array ? [source] : source
    } catch (error) {
      failure ??= { error }
      throw error
    }
  }
  try {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
    await pipeline(
      input,
      gunzip,
      (chunks) => measured(chunks as AsyncIterable<Buffer>, limits),
      extract as unknown as Writable,
    )
  } catch (error) {
    await pending
    throw failure ? failure.error : asArchiveError(error)
  }
  await pending
  return reading.end()
}

class Reading {
  readonly #limits: ArchiveLimits
  readonly #sink: ArchiveSink
  readonly #paths: ArchivePaths
  readonly #entries: TreeEntry[] = []
  readonly #links = new Map<string, string>()

  constructor(limits: ArchiveLimits, sink: ArchiveSink) {
    this.#limits = limits
    this.#sink = sink
    this.#paths = new ArchivePaths(limits)
  }

  async entry(header: tar.Header, content: Content): Promise<void> {
    const kind = KINDS[header.type ?? '']
    if (!kind) {
      const what = NAMES[header.type ?? ''] ?? 'of an unknown kind'
      throw new ArchiveError(
        'not_a_file',
        `${JSON.stringify(header.name)} in the archive is ${what}: only files, folders and links may be`,
      )
    }
    const path = plainName(header.name, kind)
    if (path === '' && kind === 'folder') return void content.resume()
    for (const folder of this.#paths.add(path, kind)) await this.#sink.folder(folder)
    if (kind === 'file') return this.#file(path, header, content)
    content.resume()
    if (kind === 'link') this.#links.set(path, header.linkname ?? '')
  }

  async end(): Promise<TreeEntry[]> {
    for (const [path, target] of this.#links) {
      if (!leadsOutside(path, this.#links)) continue
      const shown = `${JSON.stringify(path)} in the archive is a link out of the tree`
      throw new ArchiveError('link_outside', `${shown}, or without an end (to ${JSON.stringify(target)})`)
    }
    for (const [path, target] of this.#links) {
      await this.#sink.link(path, target)
      const sha256 = createHash('sha256').update(target).digest('hex')
      this.#entries.push({ path, kind: 'link', mode: LINK_MODE, size: Buffer.byteLength(target), target, sha256 })
    }
    return this.#entries.sort(byPath)
  }

  async #file(path: string, header: tar.Header, content: Content): Promise<void> {
    const size = header.size ?? 0
    if (size > this.#limits.bytes) throw tooManyBytes(this.#limits)
    const mode = fileMode(header.mode ?? 0)
    const hash = createHash('sha256')
    await this.#sink.file(path, mode, hashed(content, hash))
    this.#entries.push({ path, kind: 'file', mode, size, sha256: hash.digest('hex') })
  }
}

/** As other tools write it: `./` in front, and a folder's `/` at its end. */
function plainName(name: string, kind: PathKind): string {
  const path = name.startsWith('./') ? name.slice(2) : name
  return kind === 'folder' ? path.replace(/\/$/, '').replace(/^\.$/, '') : path
}

/** An entry's content ended early because the archive before it did: what is wrong there is the error to tell. */
class ContentCutOff extends Error {}

async function* hashed(content: Content, hash: Hash): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of content) {
      hash.update(chunk)
      yield chunk
    }
  } catch (cause) {
    throw new ContentCutOff('the content was cut off', { cause })
  }
}

/** Passes a tar on, no further than the limit, and sees to it that it has an end. */
async function* measured(chunks: AsyncIterable<Buffer>, limits: ArchiveLimits): AsyncGenerator<Buffer> {
  let bytes = 0
  let tail: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > limits.bytes) throw tooManyBytes(limits)
    tail = Buffer.concat([tail, chunk.subarray(-TAR_END.length)]).subarray(-TAR_END.length)
    yield chunk
  }
  if (!tail.equals(TAR_END))
    throw new ArchiveError('archive_corrupt', 'the archive is cut off: a tar ends with two empty blocks')
}

function tooManyBytes(limits: ArchiveLimits): ArchiveError {
  return new ArchiveError('too_many_bytes', `the archive unpacks to more than ${limits.bytes} bytes`)
}

/** What neither source nor sink said, gunzip or the tar parser did: that is the archive's fault. */
function asArchiveError(error: unknown): ArchiveError {
  if (error instanceof ArchiveError) return error
  const { message } = error as Error
  return new ArchiveError('archive_corrupt', `the archive is no complete tar.gz: ${message}`, { cause: error })
}
