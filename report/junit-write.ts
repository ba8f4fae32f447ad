import type { ReportedCase } from '../contract/cases.ts'
import type { Run } from '../contract/runs.ts'
import { isFailing, whyNotPassed } from './run-report.ts'
import { countResults } from './verdict.ts'

/** A suite's cases to be written; with `run` its verdict counts, without it the cases speak for themselves. */
export interface WrittenSuite {
  name: string
  cases: Iterable<ReportedCase>
  run?: Pick<Run, 'state' | 'reason'> & Partial<Pick<Run, 'startedAt' | 'durationMs'>>
}

interface Group {
  name: string
  startedAt: string | null
  cases: ReportedCase[]
}

/** The element of a case that did not just pass. */
const ELEMENTS = { passed: 'flakyFailure', failed: 'failure', errored: 'error', skipped: 'skipped' } as const
/** What XML 1.0 (2.2) does not allow, lone surrogates included. */
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu
/** Blanks are written as references in attributes: XML's normalisation would turn them into spaces. */
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
  '\r': '&#13;',
  '\t': '&#9;',
}

/**
 * JUnit XML as Jenkins, GitLab and CircleCI read it: `<testsuites>`, flat `<testsuite>`s, one for each suite of the report inside.
 * A run that is not passed but shows no failing case gets an errored one, so that no CI's view is green without a verdict.
 */
export function writeJUnit(suites: Iterable<WrittenSuite>): string {
  return [...junitChunks(suites)].join('')
}

/** The same piece by piece, for a stream. */
export function* junitChunks(suites: Iterable<WrittenSuite>): Iterable<string> {
  const groups = [...suites].flatMap(groupsOf)
  yield '<?xml version="1.0" encoding="UTF-8"?>\n'
  yield `<testsuites name="verdict"${counters(groups.flatMap((group) => group.cases))}>\n`
  for (const { name, startedAt, cases } of groups) {
    const timestamp = startedAt === null ? '' : attribute('timestamp', startedAt)
    yield `  <testsuite${attribute('name', name)}${counters(cases)}${timestamp}>\n`
    for (const one of cases) yield caseElement(one, name)
    yield '  </testsuite>\n'
  }
  yield '</testsuites>\n'
}

function groupsOf({ name, cases, run }: WrittenSuite): Group[] {
  const all = [...cases]
  const unexplained = run && run.state !== 'passed' && !all.some(isFailing) ? [verdictCase(name, run)] : []
  const groups = new Map<string, Group>()
  for (const one of [...unexplained, ...all]) {
    const groupName = one.testSuite === null ? name : `${name} > ${one.testSuite}`
    const group = groups.get(groupName) ?? { name: groupName, startedAt: run?.startedAt ?? null, cases: [] }
    groups.set(groupName, group)
    group.cases.push(one)
  }
  // A suite without cases is still seen to have been there.
  return groups.size > 0 ? [...groups.values()] : [{ name, startedAt: run?.startedAt ?? null, cases: [] }]
}

function verdictCase(suite: string, run: NonNullable<WrittenSuite['run']>): ReportedCase {
  return {
    name: `verdict of ${suite}`,
    classname: suite,
    testSuite: null,
    file: null,
    line: null,
    state: 'errored',
    durationMs: run.durationMs ?? null,
    message: whyNotPassed(run),
    details: run.reason?.code ?? null,
    flaky: false,
  }
}

function counters(cases: readonly ReportedCase[]): string {
  const { total, failed, errored, skipped } = countResults(cases)
  const ms = cases.reduce((sum, { durationMs }) => sum + (durationMs ?? 0), 0)
  return ` tests="${total}" failures="${failed}" errors="${errored}" skipped="${skipped}" time="${seconds(ms)}"`
}

function caseElement(one: ReportedCase, suite: string): string {
  const attributes = [
    attribute('name', one.name),
    attribute('classname', one.classname ?? suite),
    one.file === null ? '' : attribute('file', one.file),
    one.line === null ? '' : attribute('line', String(one.line)),
    one.durationMs === null ? '' : attribute('time', seconds(one.durationMs)),
  ].join('')
  if (one.state === 'passed' && !one.flaky) return `    <testcase${attributes}/>\n`
  const element = ELEMENTS[one.state]
  const message = one.message === null ? '' : attribute('message', one.message)
  const type = one.state === 'skipped' ? '' : attribute('type', one.state === 'errored' ? 'error' : 'failure')
  const inner =
    one.details === null
      ? `<${element}${message}${type}/>`
      : `<${element}${message}${type}>${text(one.details)}</${element}>`
  return `    <testcase${attributes}>\n      ${inner}\n    </testcase>\n`
}

function attribute(name: string, value: string): string {
  return ` ${name}="${value.replace(NOT_XML, '\ufffd').replace(/[&<>"\n\r\t]/g, (character) => ESCAPES[character] ?? '')}"`
}

function text(value: string): string {
  return value.replace(NOT_XML, '\ufffd').replace(/[&<>\r]/g, (character) => ESCAPES[character] ?? '')
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
