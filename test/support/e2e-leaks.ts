import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a key and an access token look like, wherever they come from. */
const CREDENTIALS = { 'an API key': /vdt_[0-9A-Za-z]{36}/, 'an access token': /eyJ[\w-]{8,}\.eyJ[\w-]+\.[\w-]+/ }

/** Where a secret must be, and is no leak there. */
export const MEANT = {
  /** The one line of a server's first start. */
  firstKey: /^ {2}vdt_[0-9A-Za-z]{36}$/m,
  /** The lines by which GitHub is told what to mask. */
  masks: /^::add-mask::.*$/gm,
} as const

/** Collects what programs wrote and which values they must never write, and compares the two. */
export class LeakSearch {
  readonly #outputs: { readonly source: string; readonly read: () => string }[] = []
  readonly #folders: string[] = []
  readonly #secrets = new Set<string>()

  /** A value that nothing may show. */
  secret(value: string): string {
    this.#secrets.add(value)
    return value
  }

  /** What a program wrote so far, less what it is meant to show. */
  output(source: string, read: () => string, meant?: RegExp): void {
    this.#outputs.push({ source, read: () => (meant ? read().replace(meant, '') : read()) })
  }

  /** A folder none of whose files may hold a secret, at rest as now. */
  folder(path: string): void {
    this.#folders.push(path)
  }

  /** Every place that shows a key, a token or a secret, without showing it again. */
  found(): string[] {
    const texts = [
      ...this.#outputs.map(({ source, read }) => ({ source, text: read() })),
      ...this.#folders.flatMap((folder) => filesIn(folder)),
    ]
    return texts.flatMap(({ source, text }) => this.#leaksIn(text).map((what) => `${what} in ${source}`))
  }

  #leaksIn(text: string): string[] {
    const credentials = Object.entries(CREDENTIALS).flatMap(([what, pattern]) => (pattern.test(text) ? [what] : []))
    const secrets = [...this.#secrets].flatMap((value) =>
      text.includes(value) ? [`a secret of ${value.length} characters`] : [],
    )
    return [...credentials, ...secrets]
  }
}

/** A server goes on working meanwhile: what it tidied up in this moment is gone, and shows nothing. */
function filesIn(folder: string): { source: string; text: string }[] {
  return unlessGone(() => readdirSync(folder, { withFileTypes: true })).flatMap((entry) => {
    const source = join(folder, entry.name)
    if (entry.isDirectory()) return filesIn(source)
    // One character a byte: databases are no text.
    return entry.isFile() ? unlessGone(() => [{ source, text: readFileSync(source, 'latin1') }]) : []
  })
}

function unlessGone<T>(read: () => T[]): T[] {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
