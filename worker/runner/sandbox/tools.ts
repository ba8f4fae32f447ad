import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** The program of that name on `path`, or undefined. */
export function findTool(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** The Debian package of each tool that a sandbox needs. */
const PACKAGES = {
  bwrap: 'bubblewrap',
  prlimit: 'util-linux',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  slirp4netns: 'slirp4netns',
  ip: 'iproute2',
} as const

/** The program on `path`. Throws an Error that says what to install. */
export function needTool(name: keyof typeof PACKAGES, path: string): string {
  const found = findTool(name, path)
  if (!found) throw new Error(`${name} is missing: install ${PACKAGES[name]} (apt-get install ${PACKAGES[name]})`)
  return found
}
