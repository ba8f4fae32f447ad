/** The modes that a tree knows: whether a file is executable, and that a link is one. */
export const FILE_MODE = 0o644
export const EXECUTABLE_MODE = 0o755
export const LINK_MODE = 0o777

/** A file or link of a tree. Folders are only ever what a path needs: empty ones are not part of a tree, as with Git. */
export interface TreeFile {
  /** Relative to the tree's root, with `/`. */
  path: string
  kind: 'file' | 'link'
  mode: typeof FILE_MODE | typeof EXECUTABLE_MODE | typeof LINK_MODE
  /** Bytes; of a link, those of its target. */
  size: number
  /** Where a link points, as it is written in it. */
  target?: string
}

/** What a file's or link's content comes down to. */
export interface TreeEntry extends TreeFile {
  /** SHA-256 of the content, hexadecimal; of a link, of its target. */
  sha256: string
}

/** The order of paths in archives and digests: by UTF-16 code units, which no locale changes. */
export function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0
}

/** Git's rule: the owner's x bit is all that counts. */
export function fileMode(mode: number): typeof FILE_MODE | typeof EXECUTABLE_MODE {
  return mode & 0o100 ? EXECUTABLE_MODE : FILE_MODE
}
