import { Worker } from 'node:worker_threads'
import type { ReportedCase, Results } from '../contract/cases.ts'
import type { ReportErrorCode } from '../report/report-error.ts'
import type { Clock } from './clock.ts'
import type { ThreadAnswer, ThreadInput } from './report-thread.ts'

/** What reading a run's report may cost: memory of the thread's JavaScript in MB, and time. */
export const READING_LIMITS = { memoryMb: 1024, ms: 60_000 } as const

type ReadReport =
  | {
      readonly kind: 'read'
      readonly results: Results
      readonly failing: readonly string[]
      /** The cases, masked, in blocks of at most 500; to be read once. */
      readonly blocks: AsyncIterable<readonly ReportedCase[]>
      /** Ends the thread that keeps the cases. */
      close(): Promise<void>
    }
  | { readonly kind: 'problem'; readonly code: ReportErrorCode; readonly message: string }

/** Reads report files in a thread of its own: hostile ones can neither hold up the event loop nor take its memory. */
export async function readReport(
  input: ThreadInput,
  clock: Clock,
  limits: { memoryMb: number; ms: number } = READING_LIMITS,
): Promise<ReadReport> {
  const thread = new Worker(new URL('./report-thread.ts', import.meta.url), {
    workerData: input,
    transferList: input.files.map((file) => file.bytes.buffer as ArrayBuffer),
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
    env: {},
    execArgv: [],
  })
  // Listened to from the first moment on: an error that nobody listens to would end the process.
  const failed = new Promise<never>((_, reject) => {
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`the report thread ended with code ${code}`)))
  })
  failed.catch(() => undefined)
  const next = (): Promise<ThreadAnswer> => {
    const message = new Promise<ThreadAnswer>((resolve) => thread.once('message', resolve))
    return Promise.race([message, failed])
  }
  let inTime = true
  const cancel = clock.after(limits.ms, () => {
    inTime = false
    void thread.terminate()
  })
  try {
    const first = await next()
    if (first.kind === 'read') {
      return { ...first, blocks: blocksOf(thread, next), close: async () => void (await thread.terminate()) }
    }
    await thread.terminate()
    if (first.kind === 'problem') return first
    throw new Error('the report thread answered out of turn')
  } catch (error) {
    if (!inTime) return tooLarge(`The report could not be read within ${limits.ms / 1000} s`)
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return tooLarge(`The report could not be read with ${limits.memoryMb} MB of memory`)
    }
    throw error
  } finally {
    cancel()
  }
}

function tooLarge(problem: string): ReadReport {
  return {
    kind: 'problem',
    code: 'report_too_large',
    message: `${problem}. Split the suite, or write less output into the report.`,
  }
}

async function* blocksOf(thread: Worker, next: () => Promise<ThreadAnswer>): AsyncGenerator<readonly ReportedCase[]> {
  for (;;) {
    const answer = next()
    thread.postMessage('next')
    const block = await answer
    if (block.kind !== 'block' || block.cases.length === 0) return
    yield block.cases
  }
}
