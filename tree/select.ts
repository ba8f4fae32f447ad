import picomatch from 'picomatch'
import { didYouMean } from './near-names.ts'
import type { SuiteFile } from './suite-file.ts'

/** A name or pattern that no suite of the file has. */
export class UnknownSuiteError extends Error {
  readonly code = 'unknown_suite'
  readonly pattern: string

  constructor(file: SuiteFile, pattern: string) {
    const names = [...file.suites.keys()]
    const hint =
      didYouMean(
        pattern,
        names.flatMap((name) => waysToCall(file, name)),
      ) || `; it has ${shortList(names)}`
    super(`${file.path} has no suite ${JSON.stringify(pattern)}${hint}`)
    this.name = 'UnknownSuiteError'
    this.pattern = pattern
  }
}

/**
 * The full names of the suites that one name or glob means, in the file's order; none when it has none. With project
 * `shop` the suite `shop/checkout` is meant by `shop/checkout`, `checkout`, `check*` and `shop/*`.
 */
export function matchSuites(file: SuiteFile, pattern: string): string[] {
  if (pattern === '') return []
  const matches = picomatch(pattern, { dot: true, nonegate: true, noextglob: true })
  return [...file.suites.keys()].filter((name) => waysToCall(file, name).some((way) => way === pattern || matches(way)))
}

/**
 * The full names of the suites that are asked for, each once, in the file's order; without patterns all of them.
 * Throws {@link UnknownSuiteError} for a pattern that means none.
 */
export function selectSuites(file: SuiteFile, patterns: readonly string[]): string[] {
  if (patterns.length === 0) return [...file.suites.keys()]
  const asked = new Set<string>()
  for (const pattern of patterns) {
    const names = matchSuites(file, pattern)
    if (names.length === 0) throw new UnknownSuiteError(file, pattern)
    for (const name of names) asked.add(name)
  }
  return [...file.suites.keys()].filter((name) => asked.has(name))
}

function waysToCall(file: SuiteFile, name: string): string[] {
  return file.project === undefined ? [name] : [name, name.slice(file.project.length + 1)]
}

function shortList(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} more` : names.join(', ')
}
