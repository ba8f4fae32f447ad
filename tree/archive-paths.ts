import { ArchiveError } from './archive-error.ts'
import { foldersAbove, pathProblem } from './path.ts'

export type PathKind = 'file' | 'link' | 'folder'

/** Bounds of an unpacked archive: bytes of the whole tar, paths (folders included), folders within folders. */
export interface ArchiveLimits {
  bytes: number
  entries: number
  depth: number
}

/** The paths of an archive so far: what each is, and that no two are in each other's way. */
export class ArchivePaths {
  readonly #limits: ArchiveLimits
  readonly #kinds = new Map<string, PathKind>()

  constructor(limits: ArchiveLimits) {
    this.#limits = limits
  }

  /** Takes a path in. Returns the folders that are new by it, outermost first. Throws {@link ArchiveError}. */
  add(path: string, kind: PathKind): string[] {
    const shown = JSON.stringify(path.length > 300 ? `${path.slice(0, 300)}…` : path)
    const problem = pathProblem(path)
    if (problem) throw new ArchiveError('bad_path', `the path ${shown} in the archive ${problem}`)
    const above = foldersAbove(path)
    if (above.length > this.#limits.depth) {
      throw new ArchiveError('too_deep', `${shown} in the archive lies in more than ${this.#limits.depth} folders`)
    }
    const isNew = this.#kinds.get(path) === undefined
    if (!isNew && !(kind === 'folder' && this.#kinds.get(path) === 'folder')) {
      throw new ArchiveError('path_taken', `${shown} is in the archive more than once`)
    }
    for (const folder of above) this.#refuseUnlessFolder(folder, shown)
    const folders = [...above, ...(kind === 'folder' ? [path] : [])].filter((folder) => !this.#kinds.has(folder))
    for (const folder of folders) this.#kinds.set(folder, 'folder')
    if (kind !== 'folder') this.#kinds.set(path, kind)
    if (this.#kinds.size > this.#limits.entries) {
      throw new ArchiveError(
        'too_many_entries',
        `the archive holds more than ${this.#limits.entries} files and folders`,
      )
    }
    return folders
  }

  #refuseUnlessFolder(folder: string, shown: string): void {
    const kind = this.#kinds.get(folder)
    if (kind === 'link') throw new ArchiveError('behind_link', `${shown} in the archive lies behind the link ${folder}`)
    if (kind === 'file') throw new ArchiveError('path_taken', `${shown} in the archive lies below the file ${folder}`)
  }
}
