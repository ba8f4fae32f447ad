import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import picomatch from 'picomatch'
import type { TreeFile } from './entry.ts'
import { didYouMean } from './near-names.ts'
import { foldersAbove, pathProblem, patternProblem, plainPath } from './path.ts'
import { isSecretFile, lastPart } from './secret-files.ts'
import { TreeError } from './tree-error.ts'
import { isGitFolder, treeFile } from './walk.ts'

/** What one entry of `files` means. */
export interface Selection {
  /** The folder to look in, or the file itself; empty: the root. */
  start: string
  /** Whether the entry is the very path of something that is there. */
  isExact: boolean
  /** What it names, when that is a single file or link. */
  file?: TreeFile
  /** Whether a path is meant, and with a folder all that is in it. */
  takes(path: string): boolean
  /** Whether a file is named as what it is, so that it is packed even if it may hold secrets. */
  names(path: string): boolean
}

const GLOB_OPTIONS = { dot: true, nonegate: true, noextglob: true } as const

/**
 * What an entry of `files` means in the tree at `root`. What is there under exactly this name is meant, whatever characters
 * the name has (`app/[id]`); else it is a glob. Throws {@link TreeError} for what is not there or is never packed.
 */
export async function selectionOf(root: string, pattern: string): Promise<Selection> {
  const path = plainPath(pattern)
  const shown = `${JSON.stringify(pattern)} in "files"`
  const problem = patternProblem(pattern) ?? (path === '.' ? undefined : pathProblem(path))
  if (problem) throw new TreeError('bad_pattern', `${shown} ${problem}`)
  if (path.split('/').some(isGitFolder)) {
    throw new TreeError('never_packed', `${shown} is Git's own folder, which is never packed: remove it from "files"`)
  }
  if (path === '.') return { start: '', isExact: true, takes: () => true, names: () => false }
  const stats = await statsOf(root, path)
  if (stats) return exactSelection(root, path, stats, shown)
  const { base, isGlob } = picomatch.scan(path, GLOB_OPTIONS)
  const start = isGlob ? base : path
  await refuseBehindLink(root, [...foldersAbove(start), ...(isGlob && start !== '' ? [start] : [])], shown)
  if (!isGlob || (start !== '' && !(await statsOf(root, start))?.isDirectory())) await refuseMissing(root, start, shown)
  const takes = picomatch(path, GLOB_OPTIONS)
  const namesSecrets = isSecretFile(lastPart(path))
  return { start, isExact: false, takes, names: (found) => namesSecrets && takes(found) }
}

async function exactSelection(root: string, path: string, stats: Stats, shown: string): Promise<Selection> {
  await refuseBehindLink(root, foldersAbove(path), shown)
  const selection = { start: path, isExact: true, takes: () => true, names: (found: string) => found === path }
  if (stats.isDirectory()) return selection
  const file = await treeFile(root, path, stats)
  if (!file)
    throw new TreeError('not_a_file', `${shown} is a socket, FIFO or device, which cannot be packed: remove it`)
  return { ...selection, file }
}

async function refuseBehindLink(root: string, folders: readonly string[], shown: string): Promise<void> {
  for (const folder of folders) {
    if (!(await statsOf(root, folder))?.isSymbolicLink()) continue
    throw new TreeError(
      'behind_link',
      `${shown} lies behind the link ${folder}: name the folder that the link points to`,
    )
  }
}

async function refuseMissing(root: string, path: string, shown: string): Promise<never> {
  const parent = foldersAbove(path).at(-1)
  const siblings = await readdir(join(root, parent ?? ''), { encoding: 'utf8' }).catch((): string[] => [])
  const near = didYouMean(
    path,
    siblings.map((name) => (parent === undefined ? name : `${parent}/${name}`)),
  )
  throw new TreeError('missing', `${shown} is missing: there is no ${path}${near}`)
}

async function statsOf(root: string, path: string): Promise<Stats | undefined> {
  return lstat(join(root, path)).catch(() => undefined)
}
