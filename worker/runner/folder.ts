import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const PREFIX = 'run-'

/** A folder, made where it is missing, that every user may pass through and only its owner may list. */
export async function makeOpenFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  await chmod(path, 0o711)
}

/**
 * A new folder below `base` for one run, with the sub-folders named: these are 0700, what is above them may be passed
 * through by the run's own user.
 */
export async function makeRunFolder(base: string, parts: readonly string[]): Promise<string> {
  await makeOpenFolder(base)
  const folder = await mkdtemp(join(base, PREFIX))
  await chmod(folder, 0o711)
  for (const part of parts) await mkdir(join(folder, part), { mode: 0o700 })
  return folder
}

/**
 * Removes a folder, however deep it is nested and whatever its modes are. `rm` and not `fs.rm`: paths longer than
 * PATH_MAX are a way to make the latter fail.
 */
export async function removeFolder(folder: string, path: string): Promise<void> {
  const options = { env: { PATH: path } }
  try {
    await execute('rm', ['-rf', '--', folder], options)
  } catch {
    // A folder without its owner's permissions stops everybody but root.
    await execute('chmod', ['-R', 'u+rwX', '--', folder], options).catch(() => undefined)
    await execute('rm', ['-rf', '--', folder], options)
  }
}

/** The folders that a process left below `base` when it was killed. */
export async function leftFolders(base: string): Promise<string[]> {
  const names = await readdir(base).catch(() => [])
  return names.filter((name) => name.startsWith(PREFIX)).map((name) => join(base, name))
}
