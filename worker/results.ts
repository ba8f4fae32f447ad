import type { ReportedCase, Results } from '../contract/cases.ts'
import { commandCase, countResults, type ReportOutcome } from '../report/verdict.ts'
import type { Ran } from './commands.ts'
import { compileGlob, type Glob } from './glob.ts'
import type { Output } from './output.ts'
import { type Stamps, stampReports, takeReports } from './report-files.ts'
import { readReport } from './report-reader.ts'
import { type Patience, untilAnswered } from './retry.ts'
import type { RunFolder } from './runner/runner.ts'
import type { StopSwitch } from './stop-switch.ts'
import type { Job, Work } from './work.ts'

/** What is known of the run's tests; `report` goes to the verdict. */
export interface Tested {
  readonly results: Results | null
  readonly report: ReportOutcome
}

interface ResultsSurroundings {
  readonly job: Job
  readonly folder: RunFolder
  readonly work: Work
  readonly output: Output
  readonly patience: Patience
  readonly stops: StopSwitch
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal
}

const LAST_LINES = 20

/** The results of one run: first what is there before its tests, afterwards what they left, handed in case by case. */
export class ResultsReading {
  readonly #around: ResultsSurroundings
  readonly globs: readonly Glob[]
  #before: Stamps = new Map()

  constructor(around: ResultsSurroundings) {
    this.#around = around
    this.globs = around.job.definition.report.map((pattern) => compileGlob(pattern))
  }

  async beforeTests(): Promise<void> {
    if (this.globs.length > 0) this.#before = await stampReports(this.#around.folder.path, this.globs)
  }

  async afterTests(ran: Ran): Promise<Tested> {
    return this.globs.length > 0 ? this.#fromReport() : this.#fromExit(ran)
  }

  /** A suite without a report is one case, judged by its exit code. */
  async #fromExit({ command, durationMs }: Ran): Promise<Tested> {
    const { job, output } = this.#around
    const exit = { exitCode: command?.code ?? null, signal: command?.signal ?? null }
    const judged = commandCase(job.suite, exit, durationMs)
    const lines = output.recentLines(LAST_LINES)
    const details = judged.state !== 'passed' && lines.length > 0 ? lines.join('\n') : null
    await this.#send(1, [{ ...judged, details }])
    return { results: countResults([judged]), report: { kind: 'none' } }
  }

  async #fromReport(): Promise<Tested> {
    const { job, folder, output, patience } = this.#around
    const taken = await takeReports(folder.path, this.globs, this.#before)
    noteAll(output, taken.notes)
    if (taken.kind === 'problem') return { results: null, report: taken }
    const input = { files: taken.files, root: folder.seenAs, secrets: Object.values(job.secrets) }
    const read = await readReport(input, patience.clock)
    if (read.kind === 'problem') return { results: null, report: read }
    try {
      let seq = 0
      for await (const cases of read.blocks) await this.#send(++seq, cases)
    } finally {
      await read.close()
    }
    return { results: read.results, report: { kind: 'read', results: read.results, failing: read.failing } }
  }

  async #send(seq: number, cases: readonly ReportedCase[]): Promise<void> {
    const { work, job, patience, stops, signal } = this.#around
    const answer = await untilAnswered('cases', () => work.cases(job.lease, seq, cases), patience, signal)
    if (answer === 'accepted') return
    stops.request({ kind: 'lost' })
    stops.check()
  }
}

const NOTES_SHOWN = 20

/** A run may leave thousands of things out of place: the log names the first. */
export function noteAll(output: Output, notes: readonly string[]): void {
  for (const note of notes.slice(0, NOTES_SHOWN)) output.note(note)
  if (notes.length > NOTES_SHOWN) output.note(`… and ${notes.length - NOTES_SHOWN} more like these`)
}
