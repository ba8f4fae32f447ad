import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'

export const ORB_SOURCE = fileURLToPath(new URL('../orb/src/', import.meta.url))
export const PACKED_ORB = fileURLToPath(new URL('../orb/orb.yml', import.meta.url))

/** Folders of an orb's source whose files become entries of the orb, each by its file's name. */
export const ORB_PARTS = ['executors', 'commands', 'jobs', 'examples'] as const

const INCLUDE = /^<<\s*include\(([^)]+)\)\s*>>$/
const HEADER = '# Packed from orb/src by `npm run bundle`: edit there.\n'

/** The orb as one file, as `circleci orb pack` makes it. Throws where an included file is not there. */
export function packOrb(source = ORB_SOURCE): string {
  const orb: Record<string, unknown> = parse(readFileSync(join(source, '@orb.yml'), 'utf8'))
  for (const part of ORB_PARTS) {
    const names = readdirSync(join(source, part)).sort()
    orb[part] = Object.fromEntries(
      names.map((name) => [
        name.replace(/\.yml$/, ''),
        included(parse(readFileSync(join(source, part, name), 'utf8')), source),
      ]),
    )
  }
  return HEADER + stringify(orb, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** A text `<<include(path)>>` is replaced by the file, whose own `<<` is escaped, so that CircleCI takes none for a parameter. */
function included(value: unknown, source: string): unknown {
  if (Array.isArray(value)) return value.map((one) => included(one, source))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, included(one, source)]))
  }
  const path = typeof value === 'string' ? INCLUDE.exec(value.trim())?.[1]?.trim() : undefined
  if (path === undefined) return value
  if (!existsSync(join(source, path))) throw new Error(`<<include(${path})>>: orb/src/${path} is missing`)
  return readFileSync(join(source, path), 'utf8').replaceAll('<<', '\\<<')
}
