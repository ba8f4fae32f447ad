import type { ReportedCase } from '../contract/cases.ts'
import { failuresOf, flakyOf, fullName, type RunReport, STATE_WORDS, textOf, whyNotPassed } from './run-report.ts'
import { clean, counted, cut, oneLine } from './text.ts'

export type AnnotationKind = 'error' | 'warning' | 'notice'

/** A remark at a place in the code, as CI systems show it. `file` is relative to the repository, `line` counts from 1. */
export interface Annotation {
  kind: AnnotationKind
  title: string
  message: string
  file?: string
  line?: number
}

/** GitHub shows no more of one kind and step. */
export const ANNOTATIONS_PER_KIND = 10
const TITLE_LENGTH = 200
const MESSAGE_LENGTH = 3000

/**
 * Failed and errored cases, and runs that ended so without any, as errors; flaky cases as warnings. At most 10 of a kind: where
 * there are more, the last says how many.
 * @param options.folder where in the repository the suite's files are (relative, with `/`), for paths of a suite in a subfolder.
 */
export function annotations(reports: readonly RunReport[], options: { folder?: string } = {}): Annotation[] {
  const errors: Annotation[] = []
  const warnings: Annotation[] = []
  let errorTotal = 0
  let warningTotal = 0
  for (const report of reports) {
    const failures = failuresOf(report)
    const unsaid = failures.cases.length === 0 ? runError(report) : null
    if (unsaid) errors.push(unsaid)
    errors.push(...failures.cases.map((one) => caseAnnotation('error', report, one, options.folder)))
    // Where a run's cases are not at hand, the run's own error stands for all of them.
    errorTotal += unsaid ? 1 : failures.total
    const flaky = flakyOf(report)
    warnings.push(...flaky.cases.map((one) => caseAnnotation('warning', report, one, options.folder)))
    warningTotal += flaky.cases.length === 0 ? 0 : flaky.total
  }
  return [...limited(errors, errorTotal, 'failure'), ...limited(warnings, warningTotal, 'flaky test')]
}

function runError({ run }: RunReport): Annotation | null {
  const message = whyNotPassed(run)
  if (message === null) return null
  return {
    kind: 'error',
    title: `${oneLine(run.suite)}: ${STATE_WORDS[run.state]}`,
    message: cut(clean(message), MESSAGE_LENGTH),
  }
}

function caseAnnotation(kind: AnnotationKind, { run }: RunReport, one: ReportedCase, folder = ''): Annotation {
  const text = textOf(one) || 'The report gives no message.'
  const title = kind === 'warning' ? `flaky: ${fullName(one)}` : fullName(one)
  const annotation: Annotation = {
    kind,
    title: cut(oneLine(`${run.suite}: ${title}`), TITLE_LENGTH),
    message: cut(kind === 'warning' ? `Passed only when tried again. ${text}` : text, MESSAGE_LENGTH),
  }
  // An absolute path or one that leads out is in no file of the repository.
  if (one.file === null || /^\/|^(?:.*\/)?\.\.(?:\/|$)/.test(one.file)) return annotation
  const prefix = folder.replace(/^(?:\.\/?)+|\/+$/g, '')
  annotation.file = prefix === '' ? one.file : `${prefix}/${one.file}`
  if (one.line !== null) annotation.line = one.line
  return annotation
}

function limited(all: readonly Annotation[], total: number, noun: string): Annotation[] {
  const last = all[0]
  if (!last || (all.length <= ANNOTATIONS_PER_KIND && total <= all.length)) return [...all]
  const shown = all.slice(0, ANNOTATIONS_PER_KIND - 1)
  const more = counted(total - shown.length, `more ${noun}`)
  const message = 'They are in the job summary, the log and the JUnit file.'
  return [...shown, { kind: last.kind, title: `${more} without an annotation`, message }]
}
