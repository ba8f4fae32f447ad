/**
 * Globs of suite files (`report`, `artifacts`): `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`, and `**` for any number of folders;
 * names that begin with a dot are matched like any other. Patterns are a user's and paths come from hostile code, so
 * matching must take time in proportion to pattern × path: regular expressions made of globs do not promise that.
 */
export interface Glob {
  readonly pattern: string
  /** Whether the pattern means this path (relative, with `/`). */
  matches(path: string): boolean
  /** Whether something beneath this folder may match. */
  mayMatchBeneath(folder: string): boolean
  /** The same, but not by `**`: the pattern leads through this very folder. */
  leadsThrough(folder: string): boolean
}

const ALTERNATIVES_MAX = 20
const BRACES = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/s

/** @param options.folders a pattern that names a folder means all that is in it. */
export function compileGlob(pattern: string, options: { folders?: boolean } = {}): Glob {
  const alternatives = expandBraces(pattern).map((one) => segmentsOf(one))
  if (options.folders) for (const segments of [...alternatives]) alternatives.push([...segments, '**'])
  const any = (path: string, what: Question) =>
    alternatives.some((segments) => matchSegments(segments, path.split('/'), what))
  return {
    pattern,
    matches: (path) => any(path, 'whole'),
    mayMatchBeneath: (folder) => any(folder, 'beginning'),
    leadsThrough: (folder) => any(folder, 'beginning by name'),
  }
}

function segmentsOf(pattern: string): string[] {
  return pattern.split('/').filter((segment) => segment !== '' && segment !== '.')
}

/** From the inside out; what is over the bound stays as it is written. */
function expandBraces(pattern: string): string[] {
  let patterns = [pattern]
  for (;;) {
    const expanded = patterns.flatMap((one) => {
      const braces = BRACES.exec(one)
      if (!braces) return [one]
      const [, before = '', inside = '', after = ''] = braces
      return inside.split(',').map((choice) => before + choice + after)
    })
    if (expanded.length === patterns.length || expanded.length > ALTERNATIVES_MAX) return patterns
    patterns = expanded
  }
}

type Question = 'whole' | 'beginning' | 'beginning by name'

/** A beginning: whether the pattern could match a path that begins with these segments and goes on. */
function matchSegments(pattern: readonly string[], path: readonly string[], what: Question): boolean {
  let p = 0
  let s = 0
  let star = -1
  let starAt = 0
  while (s < path.length) {
    if (p < pattern.length && pattern[p] === '**') {
      if (what !== 'whole') return what === 'beginning'
      star = p++
      starAt = s
    } else if (p < pattern.length && matchSegment(pattern[p]!, path[s]!)) {
      p++
      s++
    } else if (star >= 0) {
      p = star + 1
      s = ++starAt
    } else return false
  }
  // `a/**` is what is in `a`, never `a` itself.
  return what === 'whole' ? p === pattern.length : p < pattern.length
}

/** One name. On a mismatch only the last star need be tried again: the earlier ones have taken as little as they can. */
function matchSegment(pattern: string, name: string): boolean {
  let p = 0
  let s = 0
  let star = -1
  let starAt = 0
  while (s < name.length) {
    const step = p < pattern.length ? matchOne(pattern, p, name[s]!) : 0
    if (step > 0) {
      p += step
      s++
    } else if (pattern[p] === '*') {
      star = p++
      starAt = s
    } else if (star >= 0) {
      p = star + 1
      s = ++starAt
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** How much of the pattern stands for this character: 0 when it does not (or is a star). */
function matchOne(pattern: string, at: number, character: string): number {
  const own = pattern[at]!
  if (own === '*') return 0
  if (own === '?') return 1
  if (own === '\\' && at + 1 < pattern.length) return pattern[at + 1] === character ? 2 : 0
  const close = own === '[' ? pattern.indexOf(']', at + 2) : -1
  if (close > 0) return inClass(pattern.slice(at + 1, close), character) ? close - at + 1 : 0
  return own === character ? 1 : 0
}

function inClass(members: string, character: string): boolean {
  const negated = members[0] === '!' || members[0] === '^'
  const list = negated ? members.slice(1) : members
  let found = false
  for (let i = 0; i < list.length; i++) {
    const range = list[i + 1] === '-' && i + 2 < list.length
    found ||= range ? list[i]! <= character && character <= list[i + 2]! : list[i] === character
    if (range) i += 2
  }
  return found !== negated
}
