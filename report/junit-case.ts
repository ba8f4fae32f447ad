import { CASE_LIMITS, type CaseState } from '../contract/case-limits.ts'
import type { ReportedCase } from '../contract/cases.ts'
import { readSeconds } from './duration.ts'
import { findLocation, tidyPath } from './location.ts'
import { clean, cut, oneLine } from './text.ts'

/** A `<testcase>`, or what is inside it. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string | undefined>>
  /** Elements inside that have a meaning in JUnit. */
  readonly parts: Element[]
  /** All text inside, cut while it was read. */
  text: string
}

/** What a case has from the suites around it. */
export interface Surroundings {
  /** Path of the suites, outermost first, ready to be shown. */
  testSuite: string | null
  file: string | null
  root: string | undefined
}

/** What an element inside a case says of it. Surefire, Gradle and nextest write `rerun…` only where every try failed. */
const SAYS: Readonly<Record<string, CaseState>> = {
  error: 'errored',
  rerunError: 'errored',
  failure: 'failed',
  rerunFailure: 'failed',
  skipped: 'skipped',
}
/** A try that failed before one that passed. */
const FLAKY = new Set(['flakyFailure', 'flakyError'])
/** What `status` (CTest, NUnit transforms) or `result` (GoogleTest) say; anything else says nothing. */
const STATUS_SAYS: Readonly<Record<string, CaseState>> = {
  error: 'errored',
  errored: 'errored',
  fail: 'failed',
  failed: 'failed',
  failure: 'failed',
  skipped: 'skipped',
  ignored: 'skipped',
  disabled: 'skipped',
  suppressed: 'skipped',
  pending: 'skipped',
  notrun: 'skipped',
}
/** The gravest first: a case that says several things counts once (wire 5). */
const GRAVITY: readonly CaseState[] = ['errored', 'failed', 'skipped']
const OUTPUTS = new Set(['system-out', 'system-err'])

/** The case that a `<testcase>` stands for, or one for a `<failure>` or `<error>` that a suite has outside of its cases. */
export function readCase(element: Element, around: Surroundings): ReportedCase {
  const attributes = element.attributes
  const parts = element.name === 'testcase' ? element.parts : [element]
  const state = stateOf(element, parts)
  const telling = parts.filter((part) => SAYS[part.name] === state || (state === 'passed' && FLAKY.has(part.name)))
  const outputs = state === 'failed' || state === 'errored' ? parts.filter((part) => OUTPUTS.has(part.name)) : []
  const details = join([...telling.map((part) => part.text), ...outputs.map(labelled)])
  const classname = orNull(limited(attributes.classname ?? attributes.class))
  const file = attributes.file ?? attributes.filepath ?? around.file
  const known = { file: file === null ? null : orNull(limited(tidyPath(file, around.root))), classname }
  const place = details === null || state === 'skipped' ? null : findLocation(details, known, around.root)
  const declaredLine = Number(attributes.line ?? attributes.lineno ?? Number.NaN)
  return {
    name: orNull(limited(attributes.name)) ?? classname ?? around.testSuite ?? '(no name)',
    classname,
    testSuite: around.testSuite,
    file: place?.file ?? known.file,
    line: place?.line ?? (Number.isSafeInteger(declaredLine) && declaredLine > 0 ? declaredLine : null),
    state,
    durationMs: readSeconds(attributes.time ?? attributes.duration),
    message: messageOf(telling, attributes.name),
    details: details === null ? null : cut(details, CASE_LIMITS.details),
    flaky: state === 'passed' && telling.length > 0,
  }
}

function stateOf({ attributes }: Element, parts: readonly Element[]): CaseState {
  const said = new Set(parts.map((part) => SAYS[part.name]))
  for (const attribute of [attributes.status, attributes.result]) {
    said.add(STATUS_SAYS[attribute?.toLowerCase() ?? ''])
  }
  // node:test marks a test that is expected to fail (`todo`) as skipped and failed; it does not count it as a failure.
  if (parts.some((part) => part.name === 'skipped' && part.attributes.type === 'todo')) return 'skipped'
  return GRAVITY.find((state) => said.has(state)) ?? 'passed'
}

/** The first message; where there is none, the first line of the text, else the type. */
function messageOf(telling: readonly Element[], name: string | undefined): string | null {
  const first = telling[0]
  if (!first) return null
  const { message, type } = first.attributes
  const text = [message, firstLine(first.text, name), type]
    .map((one) => clean(one ?? '').trim())
    .find((one) => one !== '')
  if (text === undefined) return null
  const others = telling.length > 1 ? ` (and ${telling.length - 1} more)` : ''
  return cut(text, CASE_LIMITS.message - others.length) + others
}

/** PHPUnit's text begins with the name of the case, which says nothing new. */
function firstLine(text: string, name: string | undefined): string | undefined {
  const lines = text
    .slice(0, 10_000)
    .split('\n')
    .filter((line) => line.trim() !== '')
  return lines.find((line) => !name || !line.includes(name)) ?? lines[0]
}

function labelled(output: Element): string {
  const text = clean(output.text).trim()
  return text === '' ? '' : `--- ${output.name} ---\n${text}`
}

/** Texts with blank lines between; blank lines around them go, the indentation of their first line stays. */
function join(texts: readonly string[]): string | null {
  return orNull(
    texts
      .map((text) =>
        clean(text)
          .replace(/^\s*\n/, '')
          .trimEnd(),
      )
      .filter((text) => text !== '')
      .join('\n\n'),
  )
}

/** On one line, within the limit of names. */
export function limited(text: string | undefined): string {
  return text === undefined ? '' : cut(oneLine(text), CASE_LIMITS.name)
}

function orNull(text: string): string | null {
  return text === '' ? null : text
}
