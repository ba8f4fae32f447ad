import type { CallOptions, Client } from '../client/index.ts'
import { isFinal } from '../contract/reasons.ts'
import { writeJUnit } from '../report/junit-write.ts'
import type { SuiteOutcome } from './gate.ts'

const PATIENCE_MS = 30_000
/** What the server's own writer (report/junit-write.ts) puts around the suites; `>` is escaped in its attributes. */
const ROOT = /^\s*(?:<\?xml[^>]*\?>)?\s*<testsuites\b[^>]*?(?:\/>\s*$|>([\s\S]*)<\/testsuites>\s*$)/

/**
 * One JUnit file over all suites. A suite without a verdict has an errored case in it, so that no CI's view is green
 * without one. Never rejects: what cannot be read is written from what is known.
 */
export async function junitText(
  outcomes: readonly SuiteOutcome[],
  client: Client,
  options: CallOptions = {},
): Promise<string> {
  const texts = await Promise.all(outcomes.map((outcome) => junitOf(outcome, client, options)))
  const [only] = texts
  if (texts.length === 1 && only !== undefined) return only
  const suites = texts.map((text) => ROOT.exec(text)?.[1] ?? '')
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>${suites.join('')}</testsuites>\n`
}

async function junitOf(outcome: SuiteOutcome, client: Client, options: CallOptions): Promise<string> {
  const { suite, run, cases, error } = outcome
  if (error !== undefined || run === undefined) {
    const reason = { code: 'no_verdict', message: error?.message ?? 'There is no verdict', fault: null }
    return writeJUnit([{ name: suite, cases, run: { state: 'errored', reason } }])
  }
  const known = () => writeJUnit([{ name: suite, cases, run }])
  if (!isFinal(run.state) || options.signal?.aborted) return known()
  try {
    const text = await client.runs.junit(run.id, { patienceMs: PATIENCE_MS, ...options })
    return ROOT.test(text) ? text : known()
  } catch {
    return known()
  }
}
