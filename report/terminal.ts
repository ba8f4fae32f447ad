import type { ReportedCase } from '../contract/cases.ts'
import { formatDuration } from './duration.ts'
import {
  failuresOf,
  fullName,
  placeOf,
  type ReportedRun,
  type RunReport,
  STATE_WORDS,
  textOf,
  whyNotPassed,
} from './run-report.ts'
import { clean, counted, cut, oneLine } from './text.ts'

/** Colours; the caller knows whether the terminal takes them. picocolors fits. */
export interface Palette {
  red: (text: string) => string
  green: (text: string) => string
  yellow: (text: string) => string
  dim: (text: string) => string
  bold: (text: string) => string
}
const asItIs = (text: string) => text
export const PLAIN: Palette = { red: asItIs, green: asItIs, yellow: asItIs, dim: asItIs, bold: asItIs }

export interface FailureOptions {
  palette?: Palette
  /** Failures of a run that are shown, and lines of each. */
  maxFailures?: number
  maxLines?: number
}

const SYMBOLS = {
  queued: ['…', 'dim'],
  running: ['…', 'dim'],
  passed: ['✓', 'green'],
  failed: ['✗', 'red'],
  errored: ['✗', 'red'],
  timed_out: ['✗', 'red'],
  cancelled: ['⊘', 'yellow'],
} as const satisfies Record<ReportedRun['state'], readonly [string, keyof Palette]>
/** The order in which counts are told. */
const COUNTS = ['failed', 'errored', 'passed', 'skipped', 'flaky'] as const
const LINE_LENGTH = 500
/** The direction of text can be turned to make a line read as another. */
const BIDI = /[\u202a-\u202e\u2066-\u2069]/g

/**
 * Output of tests made harmless for terminals and CI logs: no escape sequences and control characters, and no line that GitHub Actions
 * (`::error`, `##[…]`), Azure (`##vso[`) or TeamCity (`##teamcity[`) would take as a command. Looks the same to people.
 */
export function neutral(text: string): string {
  return clean(text)
    .replace(BIDI, '')
    .replace(/^([^\S\n]*):(?=:)/gm, '$1:\u200b')
    .replace(/##(?=\[|vso\[|teamcity\[)/gi, '#\u200b#')
}

/** One line on how a run ended: `✓ smoke passed: 12 passed, 1 skipped in 3.2 s`, `✗ smoke errored: No test ran. (3.2 s)`. */
export function verdictLine(run: ReportedRun, palette: Palette = PLAIN): string {
  const [symbol, colour] = SYMBOLS[run.state]
  const head = palette[colour](`${symbol} ${palette.bold(line(run.suite))} ${STATE_WORDS[run.state]}`)
  const counts = run.results ? countsOf(run.results) : ''
  const why = run.reason?.code === 'tests_failed' ? null : whyNotPassed(run)
  const time = run.durationMs === null ? '' : formatDuration(run.durationMs)
  if (why === null) return `${head}${counts && `: ${counts}`}${time && palette.dim(` in ${time}`)}`
  const facts = [counts, time].filter((fact) => fact !== '').join(', ')
  return `${head}: ${line(why)}${facts && palette.dim(` (${facts})`)}`
}

/** The failed and errored cases of a run, bounded, and where the rest is; no lines if there are none. */
export function failureLines(report: RunReport, options: FailureOptions = {}): string[] {
  const { palette = PLAIN, maxFailures = 20, maxLines = 30 } = options
  const { cases, total } = failuresOf(report)
  const shown = cases.slice(0, maxFailures)
  const lines = shown.flatMap((one) => failure(one, palette, maxLines))
  const rest = total - shown.length
  if (rest > 0) {
    const where = `\`verdict logs ${report.run.id}\` or the JUnit file (--junit-file) has them all`
    lines.push(palette.dim(`… and ${counted(rest, shown.length > 0 ? 'more failure' : 'failure')}: ${where}`))
  }
  return lines
}

function failure(one: ReportedCase, palette: Palette, maxLines: number): string[] {
  const place = placeOf(one)
  const title = `${palette.red('✗')} ${palette.bold(line(fullName(one)))}`
  const head = place === null ? title : `${title} ${palette.dim(`(${line(place)})`)}`
  const text = textOf(one)
  const all = text === '' ? [] : neutral(text).split('\n')
  const shown = all.slice(0, maxLines).map((content) => `  ${palette.dim('│')} ${cut(content, LINE_LENGTH)}`.trimEnd())
  const rest = all.length - shown.length
  return [head, ...shown, ...(rest > 0 ? [`  ${palette.dim(`│ … ${counted(rest, 'more line')}`)}`] : [])]
}

function countsOf(results: NonNullable<ReportedRun['results']>): string {
  const told = COUNTS.filter((count) => results[count] > 0).map((count) => `${results[count]} ${count}`)
  return told.length === 0 ? 'no tests' : told.join(', ')
}

function line(text: string): string {
  return cut(oneLine(neutral(text)), LINE_LENGTH)
}
