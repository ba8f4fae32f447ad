import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { decodeXml } from './junit-encoding.ts'
import { REPORT_MAX_DEPTH, ReportError } from './report-error.ts'

/** What is told of a document as it is read. A handler may throw to stop the reading. */
export interface XmlHandlers {
  /** `attributes` has no prototype. */
  open: (name: string, attributes: Readonly<Record<string, string | undefined>>) => void
  /** Text inside elements, references decoded, in one or more pieces; comments and processing instructions are left out. */
  text: (text: string) => void
  close: () => void
}

/** As much of one text, one attribute or the document type is kept, characters: many times what a case needs (CASE_LIMITS). */
export const TEXT_READ = 262_144
/** Names and references are never as long; without a bound, a document of one name would be kept whole. */
const NAME_READ = 10_000
const MAX_ATTRIBUTES = 1000
const ROOTS = ['testsuites', 'testsuite', 'testrun']

/**
 * Reads a JUnit document strictly by XML 1.0, with three exceptions, since one test's output is no reason to lose all results:
 * characters that XML does not allow are let through, as themselves or as references, and blanks may stand before the
 * declaration. Nothing is expanded but XML's own five entities and character references. Memory is bounded by TEXT_READ,
 * whatever the size of the document.
 * @throws ReportError `report_invalid`: not XML, cut off, not JUnit, entities declared or unknown, too deep.
 */
export function readXml(path: string, bytes: Uint8Array, handlers: XmlHandlers): void {
  const parser = new Parser(path, handlers)
  for (const slice of decodeXml(path, bytes)) parser.feed(slice)
  parser.finish()
}

/** What saxes has gathered of the piece that it is in, and where it is. Private by its types, but bounded nowhere else. */
interface Inside {
  text: string
  readonly chunk: string
  readonly prevI: number
  readonly name: string
  readonly entity: string
  readonly piTarget: string
}

/** XML 1.1 is what allows references to control characters. Else it only knows two more line ends, U+0085 and U+2028. */
const OPTIONS = { defaultXMLVersion: '1.1', forceXMLVersion: true } as const

const CHARACTER = 'disallowed character.'
const CHARACTER_REFERENCE = 'malformed character entity.'
const BARE_AMPERSAND = 'an & before this place is not written as &amp;'
/** Where saxes' own words would not help. */
const IN_OTHER_WORDS: Readonly<Record<string, string>> = {
  'disallowed character in entity name.': BARE_AMPERSAND,
  'empty entity name.': BARE_AMPERSAND,
  // Of all such characters only this gets here.
  [CHARACTER]: 'a < in an attribute is not written as &lt;',
  'undefined entity.':
    'an entity that XML does not define (it knows lt, gt, amp, quot and apos; write others as numbers)',
  'documents may contain only one root.': 'the file holds more than one document',
}

class Parser extends SaxesParser<typeof OPTIONS> {
  readonly #path: string
  readonly #inside = this as unknown as Inside
  #begun = false
  #blankLines = 0
  #rooted = false
  #depth = 0
  #attributes = 0
  #doctypeProblem = ''

  constructor(path: string, handlers: XmlHandlers) {
    super(OPTIONS)
    this.#path = path
    this.on('doctype', (text) => {
      this.#doctypeProblem = doctypeProblem(text)
    })
    this.on('opentagstart', (tag) => this.#start(tag.name))
    this.on('attribute', ({ name }) => this.#attribute(name))
    this.on('opentag', (tag) => handlers.open(tag.name, (tag as SaxesTagPlain).attributes))
    this.on('text', handlers.text)
    this.on('cdata', handlers.text)
    this.on('closetag', () => {
      this.#depth--
      handlers.close()
    })
  }

  feed(slice: string): void {
    this.write(this.#begun ? slice : this.#begin(slice))
    const { text, name, entity, piTarget } = this.#inside
    if (text.length > TEXT_READ) this.#inside.text = text.slice(0, TEXT_READ)
    if (entity.length > NAME_READ) this.fail('disallowed character in entity name.')
    if (name.length > NAME_READ || piTarget.length > NAME_READ) this.fail('a name is too long')
  }

  finish(): void {
    if (!this.#begun) throw this.#invalid('is empty. The test command may have ended before it wrote its report')
    this.close()
  }

  /** How saxes reports a problem, and goes on if this returns. Its words may quote names of the report, but no values. */
  override fail(problem: string): this {
    const { chunk, prevI } = this.#inside
    if (problem === CHARACTER_REFERENCE || (problem === CHARACTER && chunk[prevI] !== '<')) return this
    const cutOff = problem === 'unexpected end.' || problem.startsWith('unclosed tag: ')
    const words = cutOff && this.#inside.entity !== '' ? BARE_AMPERSAND : (IN_OTHER_WORDS[problem] ?? problem)
    if (words.startsWith('unclosed tag: ')) throw this.#invalid(`is cut off: it ends inside <${words.slice(14, 64)}>`)
    if (words === 'unexpected end.') throw this.#invalid('is cut off: it ends in the middle of a tag or a comment')
    const place = `line ${this.line + this.#blankLines}, column ${this.column}`
    throw this.#invalid(`is not well-formed XML, ${place}: ${words.slice(0, 200).replace(/\.$/, '')}`)
  }

  #begin(slice: string): string {
    const xml = slice.trimStart()
    this.#begun = xml !== ''
    this.#blankLines += slice.slice(0, slice.length - xml.length).split('\n').length - 1
    return xml
  }

  #start(name: string): void {
    if (!this.#rooted) this.#root(name)
    if (++this.#depth > REPORT_MAX_DEPTH) throw this.#invalid(`has elements nested deeper than ${REPORT_MAX_DEPTH}`)
    this.#attributes = 0
    this.#refuseReserved(name)
  }

  #root(name: string): void {
    this.#rooted = true
    if (!ROOTS.includes(name)) {
      const begin = `it begins with <${name.slice(0, 50)}>, not with <testsuites> or <testsuite>`
      throw this.#invalid(`is not JUnit XML: ${begin}`)
    }
    if (this.#doctypeProblem !== '') throw this.#invalid(this.#doctypeProblem)
  }

  #attribute(name: string): void {
    if (++this.#attributes > MAX_ATTRIBUTES)
      throw this.#invalid(`has an element with more than ${MAX_ATTRIBUTES} attributes`)
    this.#refuseReserved(name)
  }

  #refuseReserved(name: string): void {
    if (name === '__proto__') throw this.#invalid('has an element or attribute with a reserved name (__proto__)')
  }

  #invalid(problem: string): ReportError {
    return new ReportError('report_invalid', `${this.#path} ${problem}.`)
  }
}

function doctypeProblem(text: string): string {
  if (text.includes('<!ENTITY'))
    return 'declares XML entities, which a report does not need and Verdict does not expand'
  if (/^[^[]*\b(?:SYSTEM|PUBLIC)\b/.test(text)) return 'names an external document type, which Verdict never loads'
  return text.length >= TEXT_READ ? 'has a document type that is too long' : ''
}
