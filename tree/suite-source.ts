import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml'
import { SuiteFileError, type SuiteFileProblem } from './suite-file-error.ts'

/** Far more than a suite file needs; each one is looked up in the whole document. */
const MOST_ALIASES = 100
const SHOWN_CHARACTERS = 60

/** Where in the source something is: a node of it, or an offset. */
export type Place = Node | number

/** A YAML text whose nodes know their place, collecting what is wrong with it. */
export class SuiteSource {
  readonly #path: string
  readonly #lines = new LineCounter()
  readonly #document: Document.Parsed
  readonly #problems: SuiteFileProblem[] = []

  /** Throws {@link SuiteFileError} when the text is not well-formed YAML 1.2, or uses what a suite file may not: tags, many aliases. */
  constructor(path: string, text: string) {
    this.#path = path
    this.#document = this.#parse(text)
    for (const { code, pos, message } of [...this.#document.errors, ...this.#document.warnings]) {
      this.report(pos[0], code === 'DUPLICATE_KEY' ? 'this key is given twice: keep one of them' : message)
    }
    let aliases = 0
    visit(this.#document, {
      Alias: (_, alias) => {
        if (++aliases > MOST_ALIASES) {
          this.report(alias, `more than ${MOST_ALIASES} aliases: write the values out`)
          return visit.BREAK
        }
        if (!alias.resolve(this.#document)) this.report(alias, `there is no anchor &${alias.source} before this alias`)
      },
    })
    this.throwIfReported()
  }

  /** The document's node, or undefined for an empty file. */
  get contents(): Node | undefined {
    return this.resolve(this.#document.contents)
  }

  /** The node itself, or what an alias stands for; undefined where nothing is written (a null that is, is a value). */
  resolve(node: unknown): Node | undefined {
    const found = isAlias(node) ? node.resolve(this.#document) : (node as Node | null)
    return !found || (isScalar(found) && found.value === null && !found.source) ? undefined : found
  }

  report(place: Place, message: string): undefined {
    const offset = typeof place === 'number' ? place : (place.range?.[0] ?? 0)
    const { line, col } = this.#lines.linePos(offset)
    this.#problems.push({ line: Math.max(line, 1), column: Math.max(col, 1), message })
    return undefined
  }

  throwIfReported(): void {
    if (this.#problems.length > 0) throw new SuiteFileError(this.#path, this.#problems)
  }

  #parse(text: string): Document.Parsed {
    try {
      return parseDocument(text, {
        lineCounter: this.#lines,
        prettyErrors: false,
        resolveKnownTags: false,
        stringKeys: true,
        logLevel: 'error',
      }) as Document.Parsed
    } catch (cause) {
      // The parser recurses, so brackets nested by the thousand end its stack.
      const problem = { line: 1, column: 1, message: 'cannot be read as YAML: it is nested too deep' }
      throw new SuiteFileError(this.#path, [problem], { cause })
    }
  }
}

/** What a node is, in words for a message. */
export function describe(node: Node): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  if (!isScalar(node)) return 'something else'
  const text = node.type === 'PLAIN' ? (node.source ?? String(node.value)) : String(node.value)
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)
}
