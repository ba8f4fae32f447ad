import { createHash } from 'node:crypto'
import type { Definition } from '../contract/suites.ts'
import { byPath } from './entry.ts'

/** JSON with sorted keys and no spaces: equal values are equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/**
 * SHA-256 (hexadecimal) over the sorted (path, mode, sha256) of a tree's files. Of the files and not of the archive: the
 * bytes of a tar.gz depend on who packed it, and on the version of zlib.
 */
export function digestFiles(entries: readonly { path: string; mode: number; sha256: string }[]): string {
  return sha256(JSON.stringify([...entries].sort(byPath).map(({ path, mode, sha256 }) => [path, mode, sha256])))
}

/**
 * SHA-256 (hexadecimal) of a suite's content: its canonical definition (`canonicalDefinition`) and its files, by
 * {@link digestFiles}; null: it has none. `archive` and `files` are left out, because files count by what they hold.
 */
export function digestDefinition(definition: Definition, filesDigest: string | null): string {
  const { archive: _, files: __, ...rest } = definition
  return sha256(canonicalJson({ definition: rest, files: filesDigest }))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
