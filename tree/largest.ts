import type { TreeFile } from './entry.ts'

/** A folder (its path ends with `/`) or file, with what it holds. */
export interface LargePart {
  path: string
  bytes: number
  files: number
}

const MOST_PARTS = 5
/** A folder is named by the one folder within it that holds at least this share of it. */
const NEARLY_ALL = 0.8

/** The largest folders and files of a tree (before packing), largest first, at most five, none within another. */
export function largestParts(files: readonly TreeFile[]): LargePart[] {
  return childrenOf('', files)
    .slice(0, MOST_PARTS)
    .map((part) => narrowed(part, files))
}

function narrowed(part: LargePart, files: readonly TreeFile[]): LargePart {
  if (!part.path.endsWith('/')) return part
  const [largest] = childrenOf(part.path, files)
  const holdsNearlyAll = largest && largest.bytes >= part.bytes * NEARLY_ALL && largest.files >= part.files * NEARLY_ALL
  return holdsNearlyAll ? narrowed(largest, files) : part
}

function childrenOf(folder: string, files: readonly TreeFile[]): LargePart[] {
  const parts = new Map<string, LargePart>()
  for (const { path, size } of files) {
    if (!path.startsWith(folder)) continue
    const end = path.indexOf('/', folder.length)
    const child = end === -1 ? path : path.slice(0, end + 1)
    const part = parts.get(child) ?? { path: child, bytes: 0, files: 0 }
    parts.set(child, { ...part, bytes: part.bytes + size, files: part.files + 1 })
  }
  return [...parts.values()].sort((a, b) => b.bytes - a.bytes || b.files - a.files || (a.path < b.path ? -1 : 1))
}
