import { isReservedName, VARIABLE_NAME } from '../contract/names.ts'
import { Judged } from './judged.ts'
import type { Job } from './work.ts'

/** Linux: one `NAME=value` (MAX_ARG_STRLEN, with its final NUL), bytes. */
const ENTRY_MAX_BYTES = 128 * 1024 - 1
/** Well below what Linux takes as arguments and environment together (a quarter of an 8 MB stack), bytes. */
const TOTAL_MAX_BYTES = 1_000_000

export type Environment = Readonly<Record<string, string>>

/**
 * The environment of a run, built from nothing (wire 7); PATH, HOME and TMPDIR are the runner's. What is not known is
 * empty rather than unset, so that scripts with `set -u` work everywhere. Or `setup_failed`, for one that no process can be
 * started with; it names the variable, never its value.
 */
export function environmentOf(job: Job): Environment | Judged {
  const own = { ...job.variables, ...job.secrets }
  const problem = problemOf(Object.entries(own))
  if (problem) return new Judged('setup_failed', problem)
  return {
    ...own,
    TZ: 'UTC',
    LANG: 'C.UTF-8',
    CI: 'true',
    VERDICT_RUN_ID: job.lease.run,
    VERDICT_ATTEMPT: String(job.lease.attempt),
    VERDICT_SUITE: job.suite,
    VERDICT_COMMIT: job.commit ?? '',
    VERDICT_BRANCH: job.branch ?? '',
    VERDICT_PULL_REQUEST: job.pullRequest ?? '',
  }
}

function problemOf(entries: readonly (readonly [string, string])[]): string | undefined {
  let total = 0
  for (const [name, value] of entries) {
    if (!VARIABLE_NAME.test(name)) return `${JSON.stringify(name)} is not the name of a variable.`
    if (isReservedName(name)) return `The variable ${name} is reserved; rename it.`
    if (value.includes('\0')) return `The value of ${name} holds a NUL, which no process can be given.`
    const bytes = Buffer.byteLength(`${name}=${value}`)
    if (bytes > ENTRY_MAX_BYTES)
      return `The value of ${name} is over 128 kB, which Linux gives to no process; use a file.`
    total += bytes + 1
  }
  if (total <= TOTAL_MAX_BYTES) return undefined
  return 'Variables and secrets are over 1 MB together, too much for a process; use files.'
}
