import { parentPort, workerData } from 'node:worker_threads'
import type { ReportedCase, Results } from '../contract/cases.ts'
import { readJUnit } from '../report/junit-read.ts'
import { ReportError, type ReportErrorCode } from '../report/report-error.ts'
import { CUT_MARK } from '../report/text.ts'
import { countResults, failingNames } from '../report/verdict.ts'
import { createMasker, maskCase } from './masking.ts'
import { CASES_LENGTH, CASES_PER_CALL } from './work.ts'

/** What the thread is given. Secrets are masked in here, so that the event loop is spared that, too. */
export interface ThreadInput {
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[]
  readonly root: string
  readonly secrets: readonly string[]
}

/** First one of the first two, then a `block` for every message that the thread gets; an empty one is the last. */
export type ThreadAnswer =
  | { readonly kind: 'read'; readonly results: Results; readonly failing: readonly string[] }
  | { readonly kind: 'problem'; readonly code: ReportErrorCode; readonly message: string }
  | { readonly kind: 'block'; readonly cases: readonly ReportedCase[] }

const answer = (value: ThreadAnswer) => parentPort?.postMessage(value)

if (parentPort) serve(workerData as ThreadInput)

function serve({ files, root, secrets }: ThreadInput): void {
  const masker = createMasker(secrets)
  try {
    const cases = readJUnit(files, { root }).cases.map((one) => maskCase(one, masker, CUT_MARK))
    answer({ kind: 'read', results: countResults(cases), failing: failingNames(cases) })
    let next = 0
    // One block a question: the cases wait here, not in the memory of the process's event loop.
    parentPort?.on('message', () => {
      const end = blockEnd(cases, next)
      answer({ kind: 'block', cases: cases.slice(next, end) })
      next = end
    })
  } catch (error) {
    if (!(error instanceof ReportError)) throw error
    answer({ kind: 'problem', code: error.code, message: masker.text(error.message) })
  }
}

function blockEnd(cases: readonly ReportedCase[], start: number): number {
  let length = 0
  for (let end = start; end < Math.min(cases.length, start + CASES_PER_CALL); end++) {
    const { name, message, details } = cases[end] as ReportedCase
    length += name.length + (message?.length ?? 0) + (details?.length ?? 0)
    if (length > CASES_LENGTH && end > start) return end
  }
  return Math.min(cases.length, start + CASES_PER_CALL)
}
