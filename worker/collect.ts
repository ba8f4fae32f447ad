import type { Dirent } from 'node:fs'
import { Beneath, type FileFacts, Refused } from './beneath.ts'
import type { Glob } from './glob.ts'

/** How far a run's folder is looked through: what it left behind may be endless. */
const WALK_LIMITS = { entries: 200_000, depth: 64 } as const

export interface LeftOut {
  readonly path: string
  /** What it is, in words that go on after "is". */
  readonly why: string
}

export interface Found extends FileFacts {
  /** Relative, with `/`. */
  readonly path: string
}

interface Collected {
  /** Regular files only, by path. */
  readonly files: Found[]
  readonly leftOut: LeftOut[]
  /** The limit that ended the walk before its end, in words, or null. */
  readonly cutShort: string | null
}

/** What the globs mean beneath the folder, after hostile code ran there: nothing is followed, nothing is read. */
export async function collect(
  root: string,
  globs: readonly Glob[],
  limits: { entries: number; depth: number } = WALK_LIMITS,
): Promise<Collected> {
  const files: Found[] = []
  const leftOut: LeftOut[] = []
  let entries = 0
  let cutShort: string | null = null

  async function visit(folder: Beneath, prefix: string, depth: number): Promise<void> {
    for await (const entry of await folder.list()) {
      if (++entries > limits.entries) cutShort = `${limits.entries.toLocaleString('en-US')} files and folders`
      if (cutShort) return
      await look(folder, entry, prefix + entry.name, depth)
    }
  }

  async function look(folder: Beneath, entry: Dirent, path: string, depth: number): Promise<void> {
    try {
      if (entry.isDirectory()) {
        if (!globs.some((glob) => glob.mayMatchBeneath(path))) return
        if (depth === limits.depth) throw new Refused(`over ${limits.depth} folders deep`)
        await within(await folder.folder(entry.name), (inner) => visit(inner, `${path}/`, depth + 1))
      } else if (globs.some((glob) => glob.matches(path))) {
        if (entry.isSymbolicLink()) throw new Refused('a link, which is not followed')
        if (entry.name.includes('\ufffd')) throw new Refused('named in something other than UTF-8')
        // Not even opened: a device may act on it.
        if (!entry.isFile()) throw new Refused('not a regular file')
        await within(await folder.file(entry.name), async ({ facts }) => files.push({ path, ...facts }))
      } else if (entry.isSymbolicLink() && globs.some((glob) => glob.leadsThrough(path))) {
        throw new Refused('a link, which is not followed')
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      leftOut.push({ path, why: error.message })
    }
  }

  await within(await Beneath.open(root), (folder) => visit(folder, '', 1))
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { files, leftOut, cutShort }
}

async function within<T extends { close(): Promise<void> }>(
  open: T,
  use: (open: T) => Promise<unknown>,
): Promise<void> {
  try {
    await use(open)
  } finally {
    await open.close()
  }
}
