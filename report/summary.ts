import type { ReportedCase } from '../contract/cases.ts'
import { formatDuration } from './duration.ts'
import { codeBlock, codeSpan, htmlText, link, plainText, tableRow } from './markdown.ts'
import {
  failuresOf,
  flakyOf,
  fullName,
  placeOf,
  type ReportedRun,
  type RunReport,
  STATE_WORDS,
  textOf,
  whyNotPassed,
} from './run-report.ts'
import { counted, cut } from './text.ts'

/** GitHub takes 1 MiB a step and drops what is longer as a whole. */
export const SUMMARY_MAX_BYTES = 1024 * 1024 - 1024
/** One failure must not take the room of all others. */
const DETAILS_LENGTH = 8000
const REASON_LENGTH = 1000
const FLAKY_SHOWN = 20
/** Kept free for the note on what was left out. */
const NOTE_BYTES = 400
const SYMBOLS = {
  queued: '⏳',
  running: '⏳',
  passed: '✅',
  failed: '❌',
  errored: '❌',
  timed_out: '❌',
  cancelled: '⚪',
} as const satisfies Record<ReportedRun['state'], string>

/**
 * A Markdown job summary: a table of the runs, then the failures, each folded. What is not passed comes first. Never longer than
 * `maxBytes` of UTF-8 (from 1,000 on), with a note on what was left out.
 */
export function summary(reports: readonly RunReport[], options: { maxBytes?: number } = {}): string {
  const page = new Page((options.maxBytes ?? SUMMARY_MAX_BYTES) - NOTE_BYTES)
  const ordered = [...reports].sort((a, b) => Number(a.run.state === 'passed') - Number(b.run.state === 'passed'))
  page.add(heading(ordered))
  for (const { run } of ordered) page.add(row(run))
  for (const report of ordered) page.add(why(report.run))
  let leftOut = 0
  for (const report of ordered) {
    const failures = failuresOf(report)
    let shown = 0
    for (const one of failures.cases) {
      const title = shown === 0 ? `\n#### Failures of ${codeSpan(report.run.suite)}\n` : ''
      if (!page.add(`${title}${failure(one)}`)) break
      shown++
    }
    leftOut += failures.total - shown
  }
  for (const report of ordered) page.add(flaky(report))
  return page.text + note(leftOut, page.full)
}

class Page {
  text = ''
  full = false
  #room: number
  readonly #encoder = new TextEncoder()

  constructor(room: number) {
    this.#room = room
  }

  /** Whether there was room for it. */
  add(piece: string): boolean {
    const bytes = this.#encoder.encode(piece).byteLength
    if (bytes > this.#room) {
      this.full = true
      return false
    }
    this.#room -= bytes
    this.text += piece
    return true
  }
}

function heading(reports: readonly RunReport[]): string {
  const passed = reports.filter(({ run }) => run.state === 'passed').length
  const title =
    reports.length === 0
      ? 'No suite was run'
      : passed === reports.length
        ? `✅ ${counted(passed, 'suite')} passed`
        : `❌ ${reports.length - passed} of ${counted(reports.length, 'suite')} did not pass`
  const columns = ['Suite', 'Verdict', 'Tests', 'Passed', 'Failed', 'Errored', 'Skipped', 'Flaky', 'Time']
  const rule = columns.map((_, i) => (i < 2 ? '---' : '--:'))
  return `### ${title}\n\n${tableRow(columns)}${tableRow(rule)}`
}

function row(run: ReportedRun): string {
  const { results, state, durationMs } = run
  const counts = results
    ? [results.total, results.passed, results.failed, results.errored, results.skipped, results.flaky].map(String)
    : Array<string>(6).fill('–')
  const word = link(STATE_WORDS[state], run.webUrl ?? run.url)
  const time = durationMs === null ? '–' : formatDuration(durationMs)
  return tableRow([codeSpan(run.suite), `${SYMBOLS[state]} ${word}`, ...counts, time])
}

function why(run: ReportedRun): string {
  const reason = whyNotPassed(run)
  return reason === null ? '' : `\n${codeSpan(run.suite)} ${plainText(cut(reason, REASON_LENGTH))}\n`
}

function failure(one: ReportedCase): string {
  const place = placeOf(one)
  const where = place === null ? '' : ` (${htmlText(place)})`
  const content = textOf(one)
  const block = content === '' ? 'The report gives no message.\n' : codeBlock(cut(content, DETAILS_LENGTH))
  const title = `${htmlText(fullName(one))}${where}`
  return `\n<details><summary><code>${title}</code></summary>\n\n${block}\n</details>\n`
}

function flaky(report: RunReport): string {
  const { cases, total } = flakyOf(report)
  if (cases.length === 0) return ''
  const shown = cases.slice(0, FLAKY_SHOWN).map((one) => `- ${codeSpan(fullName(one))}\n`)
  const more = total > shown.length ? `- and ${total - shown.length} more\n` : ''
  const title = `Flaky in ${codeSpan(report.run.suite)}: passed only when tried again`
  return `\n#### ${title}\n\n${shown.join('')}${more}`
}

function note(failures: number, full: boolean): string {
  if (failures > 0)
    return `\n${counted(failures, 'more failure')} left out here: see the JUnit file or the run itself.\n`
  return full ? '\nSome of this summary was left out: see the JUnit file or the run itself.\n' : ''
}
