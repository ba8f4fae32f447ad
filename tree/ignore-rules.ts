import { lstat, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { findRepository } from './find.ts'
import { foldersAbove } from './path.ts'

/** A path is left out if either file's rules leave it out; `!` takes back only what the same kind of file said. */
const IGNORE_FILES = ['.gitignore', '.verdictignore'] as const

/**
 * What .gitignore and .verdictignore leave out, by gitignore's rules: those of a folder go before those above it, the last
 * line that matches decides, and nothing below a folder that is left out comes back. What is only on this machine
 * (.git/info/exclude, core.excludesFile) does not count, nor what is tracked although ignored: equal trees give equal archives.
 * Values are never changed: a folder with such files has rules of its own.
 */
export class IgnoreRules {
  readonly #top: string
  /** From the repository's root to the tree's, with a `/` at the end, or empty. */
  readonly #prefix: string
  readonly #sets: readonly Ignore[]

  private constructor(top: string, prefix: string, sets: readonly Ignore[]) {
    this.#top = top
    this.#prefix = prefix
    this.#sets = sets
  }

  /** The rules that hold in `root` (an absolute folder) itself, those of the folders above up to the repository's root included. */
  static async of(root: string): Promise<IgnoreRules> {
    const top = (await findRepository(root)) ?? root
    const prefix = relative(top, root).split(sep).join('/')
    const empty = new IgnoreRules(
      top,
      '',
      IGNORE_FILES.map(() => newSet()),
    )
    const atTop = await empty.entering('')
    if (prefix === '') return atTop
    // The root is where the user works: that it may itself be ignored does not count.
    const inRoot = await atTop.within(prefix, true)
    return new IgnoreRules(top, `${prefix}/`, inRoot.#sets)
  }

  /** Whether the rules leave out a path of the tree (relative to its root). */
  leaveOut(path: string, isFolder: boolean): boolean {
    const whole = this.#prefix + path + (isFolder ? '/' : '')
    return this.#sets.some((set) => set.ignores(whole))
  }

  /** The rules in a folder, given that these are those of the folder above it. */
  async entering(folder: string): Promise<IgnoreRules> {
    const whole = this.#prefix + folder
    const texts = await Promise.all(IGNORE_FILES.map((name) => readRegular(join(this.#top, whole, name))))
    if (texts.every((text) => text === '')) return this
    return this.#with(texts.map((text) => linesWithin(whole.replace(/\/$/, ''), text)))
  }

  /**
   * The rules in a folder anywhere below, given that these are the root's. When the user named it, neither it nor a folder
   * above it counts as left out; what is in it may be.
   */
  async within(folder: string, isNamed: boolean): Promise<IgnoreRules> {
    if (folder === '') return this
    let rules: IgnoreRules = this
    for (const above of foldersAbove(folder)) rules = await rules.entering(above)
    return (isNamed ? rules.#named(folder) : rules).entering(folder)
  }

  #named(folder: string): IgnoreRules {
    const whole = this.#prefix + folder
    const lines = [...foldersAbove(whole), whole].map((path) => `!/${escaped(path)}/`)
    return this.#with(IGNORE_FILES.map(() => lines))
  }

  #with(lines: readonly (readonly string[])[]): IgnoreRules {
    const sets = this.#sets.map((set, index) => newSet().add(set).add(lines[index]!))
    return new IgnoreRules(this.#top, this.#prefix, sets)
  }
}

/** As on Linux, on every system. */
function newSet(): Ignore {
  return ignore({ ignorecase: false })
}

// The lines of an ignore file in folder `a` as lines of one at the top: `*.log` becomes `/a/**/*.log`, `x/y` `/a/x/y`. So one
// ordered list decides, as Git's own does, and not one list for each folder.
function linesWithin(folder: string, text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '')
  if (folder === '') return lines.split(/\r?\n/)
  return lines.split(/\r?\n/).flatMap((line) => {
    const [, negation = '', body = ''] = /^(!?)((?:\\.|[^\\])*?) *$/.exec(line) ?? []
    if (line.startsWith('#') || body === '' || body === '/') return []
    const anchored = body.slice(0, -1).includes('/')
    return `${negation}/${escaped(folder)}${anchored ? `/${body.replace(/^\//, '')}` : `/**/${body}`}`
  })
}

function escaped(path: string): string {
  return path.replace(/[\\*?[\]]/g, '\\$&').replace(/ $/, '\\ ')
}

/** The text of a regular file, or none. Git too reads no ignore file that is a link. */
async function readRegular(path: string): Promise<string> {
  const stats = await lstat(path).catch(() => undefined)
  return stats?.isFile() ? readFile(path, 'utf8') : ''
}
