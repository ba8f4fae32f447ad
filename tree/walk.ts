import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { FILE_MODE, fileMode, LINK_MODE, type TreeFile } from './entry.ts'
import type { IgnoreRules } from './ignore-rules.ts'
import { TreeError } from './tree-error.ts'

/** Told of everything that a walk comes by; paths are relative to the root, with `/`. */
export interface Visitor {
  /** Whether a path is asked for; everything within a folder that is, is too. */
  wants(path: string): boolean
  file(path: string, stats: Stats): Promise<void> | void
  /** A path that is asked for and left out by the rules. */
  ignored(path: string): void
}

/** `.git`, in any case of letters: on some file systems they are one. */
export function isGitFolder(name: string): boolean {
  return name.toLowerCase() === '.git'
}

/** Visits every file, link and special file below a folder, but nothing in `.git` and nothing that the rules leave out. */
export async function walk(root: string, folder: string, rules: IgnoreRules, visitor: Visitor): Promise<void> {
  await visitFolder(root, folder, rules, visitor, visitor.wants(folder))
}

async function visitFolder(root: string, folder: string, rules: IgnoreRules, visitor: Visitor, wanted: boolean) {
  const names = await readable(folder || '.', readdir(join(root, folder), { withFileTypes: true }))
  const visit = async (entry: Dirent) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    const isWanted = wanted || visitor.wants(path)
    if (isGitFolder(entry.name)) return
    if (rules.leaveOut(path, entry.isDirectory())) return isWanted ? visitor.ignored(path) : undefined
    if (entry.isDirectory()) return visitFolder(root, path, await rules.entering(path), visitor, isWanted)
    if (isWanted) await visitor.file(path, await readable(path, lstat(join(root, path))))
  }
  // One folder after the other, so that few files are open at once; the files of a folder together.
  await Promise.all(names.filter((entry) => !entry.isDirectory()).map(visit))
  for (const entry of names) if (entry.isDirectory()) await visit(entry)
}

/** The file or link of a tree, or undefined for a socket, FIFO or device. */
export async function treeFile(root: string, path: string, stats: Stats): Promise<TreeFile | undefined> {
  if (stats.isFile()) {
    const mode = process.platform === 'win32' ? FILE_MODE : fileMode(stats.mode)
    return { path, kind: 'file', mode, size: stats.size }
  }
  if (!stats.isSymbolicLink()) return undefined
  const target = (await readable(path, readlink(join(root, path)))).split(sep).join('/')
  return { path, kind: 'link', mode: LINK_MODE, size: Buffer.byteLength(target), target }
}

/** The promise's value; what the file system refuses becomes an error that names the path. */
export async function readable<T>(path: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (cause) {
    if (cause instanceof TreeError) throw cause
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    const advice = 'make it readable, or leave it out by .verdictignore'
    throw new TreeError('unreadable', `${path} cannot be read (${reason}): ${advice}`, { cause })
  }
}
