import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

/** The names of a suite file, the first that is there counts. */
export const SUITE_FILE_NAMES = ['verdict.yaml', 'verdict.yml'] as const

/**
 * The absolute path of the suite file that belongs to `directory`: in it, or in the nearest folder above it, up to the
 * repository's root (outside of a repository: up to the file system's). Undefined when there is none.
 */
export async function findSuiteFile(directory: string): Promise<string | undefined> {
  for (const folder of foldersUpFrom(directory)) {
    for (const name of SUITE_FILE_NAMES) {
      const path = join(folder, name)
      if ((await stat(path).catch(() => undefined))?.isFile()) return path
    }
    if (await isRepositoryRoot(folder)) return undefined
  }
  return undefined
}

/** The root of the Git repository that `directory` is in (absolute), or undefined. */
export async function findRepository(directory: string): Promise<string | undefined> {
  for (const folder of foldersUpFrom(directory)) if (await isRepositoryRoot(folder)) return folder
  return undefined
}

/** `.git` is a folder, or a file in a worktree or submodule. */
async function isRepositoryRoot(folder: string): Promise<boolean> {
  return (await stat(join(folder, '.git')).catch(() => undefined)) !== undefined
}

function* foldersUpFrom(directory: string): Generator<string> {
  let folder = resolve(directory)
  for (;;) {
    yield folder
    const parent = dirname(folder)
    if (parent === folder) return
    folder = parent
  }
}
