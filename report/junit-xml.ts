import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { REPORT_MAX_DEPTH, ReportError } from './report-error.ts'

export interface Element {
  name: string
  attributes: Readonly<Record<string, string | undefined>>
  /** Elements inside, less those without a meaning in JUnit; a leaf's text is in `text`. */
  children: () => Iterable<Element>
  text: () => string
}

/** Elements that hold others. */
const BRANCHES = new Set(['testsuites', 'testsuite', 'testrun', 'testcase'])
/** Elements that are read as text, whatever is in them. Their content is not parsed, so a long output costs little. */
const LEAVES = new Set([
  'failure',
  'error',
  'skipped',
  'flakyFailure',
  'flakyError',
  'rerunFailure',
  'rerunError',
  'system-out',
  'system-err',
])
const ROOTS = ['testsuites', 'testsuite', 'testrun']
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const REFERENCES = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));/g
/** As much of a leaf and of an attribute is read, characters: many times what a case keeps of them (CASE_LIMITS). */
const LEAF_READ = 1_000_000
const ATTRIBUTE_READ = 100_000
const INSIDE_A_LEAF = /<!\[CDATA\[([\s\S]*?)(?:\]\]>|$)|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<[^<>]*>|[^<]+/g

/**
 * The root element of a JUnit document. Entities of its own are refused, those of XML and numbers are decoded.
 * @param onElement called for every element with a meaning as it is met; may throw to stop.
 * @throws ReportError `report_invalid`: not XML, cut off, not JUnit, entities declared, too deep.
 */
export function parseXml(path: string, text: string, onElement: (name: string) => void): Element {
  const xml = text.trimStart()
  if (xml === '') throw invalid(path, 'is empty. The test command may have ended before it wrote its report')
  checkWellFormed(path, xml, text.slice(0, text.length - xml.length).split('\n').length - 1)
  if (/<!ENTITY/.test(xml.slice(0, xml.search(/<[\w:]/)))) {
    throw invalid(path, 'declares XML entities, which a report does not need and Verdict does not expand')
  }
  const { roots, firstName } = parse(path, xml, onElement)
  const root = roots[0]
  if (!root || roots.length > 1 || !ROOTS.includes(root.name)) {
    if (roots.length > 1) throw invalid(path, 'holds more than one document')
    throw invalid(
      path,
      `is not JUnit XML: it begins with <${firstName.slice(0, 50)}>, not with <testsuites> or <testsuite>`,
    )
  }
  return root
}

/** The parser takes documents that are cut off, the validator does not, and it knows the line. */
function checkWellFormed(path: string, xml: string, linesBefore: number): void {
  const found = XMLValidator.validate(xml)
  if (found === true) return
  const { msg, line } = found.err
  const open = /^Unclosed tag '(.+)'\.$/s.exec(msg)?.[1] ?? /"([^"]*)"\]' found\.$/.exec(msg)?.[1]
  if (open !== undefined) throw invalid(path, `is cut off: it ends inside <${open.slice(0, 50)}>`)
  throw invalid(path, `is not well-formed XML, line ${line + linesBefore}: ${msg.slice(0, 200).replace(/\.$/, '')}`)
}

function parse(path: string, xml: string, onElement: (name: string) => void): { roots: Element[]; firstName: string } {
  let firstName = ''
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    // Decoded here, so that nothing but XML's own is ever expanded.
    processEntities: false,
    maxNestedTags: REPORT_MAX_DEPTH,
    stopNodes: [...LEAVES].map((name) => `..${name}`),
    jPath: false,
    updateTag: (name) => {
      firstName ||= name
      const known = BRANCHES.has(name) || LEAVES.has(name)
      if (known) onElement(name)
      return known
    },
  })
  try {
    return { roots: [...elements(parser.parse(xml))], firstName }
  } catch (error) {
    if (error instanceof ReportError) throw error
    throw invalid(path, parseProblem(error instanceof Error ? error.message : String(error)), error)
  }
}

/** The parser's own words may quote the report, and with it a secret: only what is known not to is passed on. */
function parseProblem(message: string): string {
  if (message.startsWith('Maximum nested tags')) return `has elements nested deeper than ${REPORT_MAX_DEPTH}`
  if (message.startsWith('[SECURITY]'))
    return 'has an element or attribute with a reserved name (__proto__, constructor, …)'
  if (message.startsWith('External entities')) return 'declares external XML entities, which Verdict never loads'
  return 'is not well-formed XML: a tag, comment or CDATA section is never closed, or the document type is not valid'
}

/** As the parser gives it with `preserveOrder`: one key is the name, `:@` holds attributes. */
type Node = Record<string, unknown>

function* elements(nodes: readonly Node[]): Iterable<Element> {
  for (const node of nodes) {
    const name = Object.keys(node)[0]
    if (name === undefined || name === '#text' || name === ':@') continue
    const content = node[name] as Node[]
    yield {
      name,
      attributes: decodedAttributes(node[':@'] as Record<string, string> | undefined),
      children: () => (BRANCHES.has(name) ? elements(content) : []),
      text: () => content.map((part) => leafText(String(part['#text'] ?? '').slice(0, LEAF_READ))).join(''),
    }
  }
}

function decodedAttributes(attributes: Record<string, string> = {}): Record<string, string> {
  for (const [name, value] of Object.entries(attributes)) {
    if (value.includes('&')) attributes[name] = decodeReferences(value.slice(0, ATTRIBUTE_READ))
  }
  return attributes
}

/** Tags inside a leaf (surefire's stackTrace) are dropped, their text stays. */
function leafText(raw: string): string {
  if (!raw.includes('<')) return decodeReferences(raw)
  return raw.replace(INSIDE_A_LEAF, (part, cdata?: string) => cdata ?? (part[0] === '<' ? '' : decodeReferences(part)))
}

function decodeReferences(text: string): string {
  return text.replace(REFERENCES, (_, name?: string, decimal?: string, hexadecimal?: string) => {
    if (name !== undefined) return NAMED[name] ?? ''
    const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
}

function invalid(path: string, problem: string, cause?: unknown): ReportError {
  return new ReportError('report_invalid', `${path} ${problem}.`, { cause })
}
