import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import versions from '../../tools/versions.json' with { type: 'json' }

/** Which version of a tool tools/ci-tools.sh installs; those of apt have none of their own there. */
function folderNames(name: string): string[] {
  return Object.values(versions as Record<string, Record<string, string>>)
    .map((group) => group[name])
    .flatMap((version) => (version === undefined ? [] : [`${name}-${version}`]))
}

/** The programs of a tool that tools/ci-tools.sh installed, or that are on PATH, by the name of the program. */
export function findCiTool(program: string, tool = program): string | undefined {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verdict-tools')
  const folders = [
    ...folderNames(tool).map((name) => join(cache, name, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/** For the name of what is skipped: ` (skipped: needs bats, dash: tools/ci-tools.sh)`; empty when all is there. */
export function skipReason(...programs: readonly (string | readonly [program: string, tool: string])[]): string {
  const missing = programs.filter((one) => {
    const [program = '', tool = program] = typeof one === 'string' ? [one] : one
    return findCiTool(program, tool) === undefined
  })
  if (missing.length === 0) return ''
  return ` (skipped: needs ${missing.map((one) => (typeof one === 'string' ? one : one[0])).join(', ')}: tools/ci-tools.sh)`
}

/** The path of a program that {@link skipReason} found. */
export function ciTool(program: string, tool = program): string {
  const path = findCiTool(program, tool)
  if (path === undefined)
    throw new Error(`${program} is missing: ${fileURLToPath(new URL('../../tools/ci-tools.sh', import.meta.url))}`)
  return path
}
