import { constants, type Dir } from 'node:fs'
import { type FileHandle, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Files and folders beneath a run's folder, opened as hostile code left them: no component of a path is followed if it is
 * a link, also when something swaps it meanwhile. On Linux each step goes through the open folder itself
 * (`/proc/self/fd/N/name`, as openat(2) does). Elsewhere only the last component is safe; there is no sandbox there, either.
 */
const THROUGH_HANDLES = process.platform === 'linux'
const FOLDER_FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)
/** O_NONBLOCK: opening a FIFO that nobody writes to must not wait. */
const FILE_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Why something is not read, in words that go on after "it is" or a name. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

const REFUSALS: Readonly<Record<string, string>> = {
  ELOOP: 'a link, which is not followed',
  EMLINK: 'a link, which is not followed',
  ENOTDIR: 'behind something that is not a folder',
  ENXIO: 'not a regular file',
  EACCES: 'not readable',
  EPERM: 'not readable',
  ENOENT: 'gone',
  ENAMETOOLONG: 'behind too long a path',
}

export interface FileFacts {
  readonly size: number
  /** Changes whenever the file is written, renamed or replaced; a program cannot set it back. */
  readonly stamp: string
}

export class Beneath {
  readonly #handle: FileHandle
  readonly #place: string

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle
    this.#place = THROUGH_HANDLES ? `/proc/self/fd/${handle.fd}` : path
  }

  /** @throws Refused */
  static async open(path: string): Promise<Beneath> {
    return new Beneath(await openRefusing(path, FOLDER_FLAGS), path)
  }

  /** @throws Refused */
  folder(name: string): Promise<Beneath> {
    return Beneath.open(join(this.#place, name))
  }

  /** The names in the folder as the disk has them. */
  list(): Promise<Dir> {
    return opendir(this.#place)
  }

  /** A regular file that has no other name. @throws Refused */
  async file(name: string): Promise<OpenFile> {
    const handle = await openRefusing(join(this.#place, name), FILE_FLAGS)
    try {
      const stat = await handle.stat({ bigint: true })
      if (!stat.isFile()) throw new Refused('not a regular file')
      // The other name may be a file of somebody else's that the run could not read itself.
      if (stat.nlink > 1n) throw new Refused('a hard link')
      return new OpenFile(handle, {
        size: Number(stat.size),
        stamp: `${stat.dev}:${stat.ino}:${stat.size}:${stat.ctimeNs}`,
      })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** The file at a path with `/`, every folder on the way opened the safe way. @throws Refused */
export async function openBeneath(root: string, path: string): Promise<OpenFile> {
  const names = path.split('/')
  const last = names.pop() ?? ''
  let folder = await Beneath.open(root)
  try {
    for (const name of names) {
      const next = await folder.folder(name)
      await folder.close()
      folder = next
    }
    return await folder.file(last)
  } finally {
    await folder.close()
  }
}

const CHUNK_BYTES = 64 * 1024

class OpenFile {
  readonly facts: FileFacts
  readonly #handle: FileHandle

  constructor(handle: FileHandle, facts: FileFacts) {
    this.#handle = handle
    this.facts = facts
  }

  /** From the beginning, never more than the size that the facts tell, though something may still write to it. */
  async *content(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.facts.size; ) {
      const length = Math.min(CHUNK_BYTES, this.facts.size - at)
      const { bytesRead, buffer } = await this.#handle.read(new Uint8Array(length), 0, length, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const all = new Uint8Array(this.facts.size)
    let length = 0
    for await (const chunk of this.content()) {
      all.set(chunk, length)
      length += chunk.length
    }
    return all.subarray(0, length)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

async function openRefusing(path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags)
  } catch (error) {
    const refusal = REFUSALS[(error as NodeJS.ErrnoException).code ?? '']
    if (refusal) throw new Refused(refusal, { cause: error })
    throw error
  }
}
