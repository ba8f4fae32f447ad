import { resolve } from 'node:path'
import { UNPACKED_LIMITS } from '../contract/archive-limits.ts'
import { byPath, type TreeFile } from './entry.ts'
import { IgnoreRules } from './ignore-rules.ts'
import { leadsOutside } from './links.ts'
import { foldersAbove, pathProblem } from './path.ts'
import { isSecretFile, lastPart } from './secret-files.ts'
import { selectionOf } from './selection.ts'
import { TreeError, TreeTooLargeError } from './tree-error.ts'
import { treeFile, walk } from './walk.ts'

/** A file that was asked for by its folder or a glob, and is not packed all the same. `reason` follows its name. */
export interface LeftOut {
  path: string
  reason: string
}

/** What is to be packed, sorted by path, and what was left out for another reason than an ignore file. */
export interface Choice {
  files: TreeFile[]
  leftOut: LeftOut[]
}

const MAY_HOLD_SECRETS = 'may hold secrets: name it in "files" if the tests need it'

/**
 * The files of a suite: those that `patterns` name (paths or globs relative to `root`; none: the whole tree), less what
 * .gitignore and .verdictignore leave out. A path that is named exactly is packed although ignored; within a named folder
 * the rules count. `.git` is never packed, and files that tend to hold secrets only when they are named: by their path, or
 * by a glob whose last part stands for such files (`certs/*.pem`). Links that stay within the tree are packed as links.
 *
 * Throws {@link TreeError} when a pattern names nothing or what cannot be packed, and {@link TreeTooLargeError} for more files
 * than an archive may hold.
 */
export async function chooseFiles(root: string, patterns: readonly string[]): Promise<Choice> {
  const folder = resolve(root)
  const rules = await IgnoreRules.of(folder)
  const collection = new Collection(folder)
  for (const pattern of patterns.length === 0 ? ['.'] : patterns) {
    await collection.add(pattern, rules)
  }
  return collection.choice()
}

class Collection {
  readonly #root: string
  readonly #files = new Map<string, TreeFile>()
  readonly #leftOut = new Map<string, string>()
  readonly #named = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  async add(pattern: string, rules: IgnoreRules): Promise<void> {
    const selection = await selectionOf(this.#root, pattern)
    const { start, file: named } = selection
    if (named) {
      this.#named.add(start)
      return this.#keep(named)
    }
    let found = 0
    let ignored = 0
    await walk(this.#root, start, await rules.within(start, selection.isExact), {
      wants: (path) => selection.takes(path),
      ignored: () => void ignored++,
      file: async (path, stats) => {
        found++
        const reason = pathProblem(path) ?? (isSecretFile(lastPart(path)) && !selection.names(path) && MAY_HOLD_SECRETS)
        const file = reason ? undefined : await treeFile(this.#root, path, stats)
        if (file) this.#keep(file)
        else this.#leftOut.set(path, reason || 'is no regular file')
      },
    })
    if (found > 0 || (selection.isExact && start === '')) return
    const why = ignored > 0 ? 'ignore files leave out all of it: name the files themselves' : 'there is no such file'
    throw new TreeError('nothing_chosen', `${JSON.stringify(pattern)} in "files" names nothing: ${why}`)
  }

  choice(): Choice {
    this.#leaveOutLinksOut()
    const files = [...this.#files.values()].sort(byPath)
    const leftOut = [...this.#leftOut].filter(([path]) => !this.#files.has(path))
    return { files, leftOut: leftOut.map(([path, reason]) => ({ path, reason })).sort(byPath) }
  }

  #keep(file: TreeFile): void {
    const { depth, entries } = UNPACKED_LIMITS
    if (foldersAbove(file.path).length > depth) {
      throw new TreeError('too_deep', `${file.path} lies in more than ${depth} folders: leave it out by .verdictignore`)
    }
    this.#files.set(file.path, file)
    if (this.#files.size > entries) throw new TreeTooLargeError(`are more than ${entries}`, [...this.#files.values()])
  }

  /** In one pass: a link that goes by way of one that leads out leads out itself. */
  #leaveOutLinksOut(): void {
    const links = new Map<string, string>()
    for (const { path, target } of this.#files.values()) if (target !== undefined) links.set(path, target)
    for (const [path, target] of links) {
      if (!leadsOutside(path, links)) continue
      const reason = `is a link out of the tree (to ${JSON.stringify(target)})`
      if (this.#named.has(path)) {
        const advice = 'name the file that it points to, or copy it'
        throw new TreeError('link_outside', `${path} in "files" ${reason}: ${advice}`)
      }
      this.#leftOut.set(path, reason)
      this.#files.delete(path)
    }
  }
}
