import type { ReportedCase } from '../contract/cases.ts'
import { type Element, limited, readCase, type Surroundings } from './junit-case.ts'
import { TEXT_READ, type XmlHandlers } from './junit-xml.ts'

/** `markup`: inside a leaf, whose text it belongs to; `other`: not read. */
type Role = 'suite' | 'case' | 'leaf' | 'markup' | 'other'

const SUITES = { testsuites: 'suite', testsuite: 'suite' } as const
/** What an element is, by what it is in. */
const ROLES: Readonly<Record<Role | 'document', ReadonlyMap<string, Role>>> = {
  document: roles({ ...SUITES, testrun: 'suite' }),
  // `error` and `failure`: a suite whose own set-up broke. No case says so, and it must not be lost.
  suite: roles({ ...SUITES, testcase: 'case', error: 'leaf', failure: 'leaf' }),
  case: roles({
    failure: 'leaf',
    error: 'leaf',
    skipped: 'leaf',
    flakyFailure: 'leaf',
    flakyError: 'leaf',
    rerunFailure: 'leaf',
    rerunError: 'leaf',
    'system-out': 'leaf',
    'system-err': 'leaf',
  }),
  leaf: roles({}),
  markup: roles({}),
  other: roles({}),
}
/** Of so many elements inside a case attributes and text are kept; of more, only that they are there. */
const PARTS_READ = 1000
/** Characters of all texts inside a case. */
const CASE_READ = 4 * TEXT_READ

interface Open {
  readonly role: Role
  readonly around: Surroundings
  /** Of a case, a leaf, and the markup inside a leaf (that leaf's). */
  readonly element: Element | undefined
}

/** Makes the cases of one document while it is read, so that no more than one of them is ever held as elements. */
export class CaseReader implements XmlHandlers {
  /** Cases that are where no reader would look for them. */
  misplaced = 0
  readonly #cases: ReportedCase[]
  readonly #onElement: (name: string) => void
  readonly #document: Surroundings
  readonly #opened: Open[] = []
  #room = CASE_READ

  /** @param onElement called for every element with a meaning as it is met; may throw to stop. */
  constructor(document: Surroundings, cases: ReportedCase[], onElement: (name: string) => void) {
    this.#document = document
    this.#cases = cases
    this.#onElement = onElement
  }

  readonly open = (name: string, attributes: Element['attributes']): void => {
    const parent = this.#opened.at(-1)
    const role = roleOf(name, parent?.role ?? 'document')
    const outer = parent?.around ?? this.#document
    if (name === 'testcase' && role === 'other') this.misplaced++
    if (name === 'testcase' ? role !== 'markup' : role === 'suite' || role === 'leaf') this.#onElement(name)
    if (role === 'leaf' || role === 'case') {
      const element = place({ name, attributes, parts: [], text: '' }, parent?.element)
      if (parent?.role === 'suite') this.#room = CASE_READ
      this.#opened.push({ role, around: outer, element })
    } else {
      const around = name === 'testsuite' && role === 'suite' ? inside(attributes, outer) : outer
      this.#opened.push({ role, around, element: role === 'markup' ? parent?.element : undefined })
    }
  }

  readonly text = (text: string): void => {
    const { role, element } = this.#opened.at(-1) ?? {}
    if (!element || role === 'case') return
    const kept = text.slice(0, Math.min(TEXT_READ - element.text.length, this.#room))
    this.#room -= kept.length
    element.text += kept
  }

  readonly close = (): void => {
    const { around, element } = this.#opened.pop() ?? {}
    if (element && around && this.#opened.at(-1)?.role === 'suite') this.#cases.push(readCase(element, around))
  }
}

function roles(table: Readonly<Record<string, Role>>): ReadonlyMap<string, Role> {
  return new Map(Object.entries(table))
}

function roleOf(name: string, parent: Role | 'document'): Role {
  return ROLES[parent].get(name) ?? (parent === 'leaf' || parent === 'markup' ? 'markup' : 'other')
}

/** Puts the element into the case around it, if there is one; a bare one where the case has very many already. */
function place(element: Element, parent: Element | undefined): Element | undefined {
  if (!parent) return element
  const full = parent.parts.length >= PARTS_READ
  parent.parts.push(full ? bare(element.name) : element)
  return full ? undefined : element
}

const BARE = new Map<string, Element>()
function bare(name: string): Element {
  const known = BARE.get(name) ?? { name, attributes: {}, parts: [], text: '' }
  BARE.set(name, known)
  return known
}

function inside(attributes: Element['attributes'], outer: Surroundings): Surroundings {
  const name = limited(attributes.name)
  return {
    testSuite:
      name === '' ? outer.testSuite : outer.testSuite === null ? name : limited(`${outer.testSuite} > ${name}`),
    file: attributes.file ?? attributes.filepath ?? outer.file,
    root: outer.root,
  }
}
