import type { Results } from '../contract/cases.ts'
import { RUN_STATES } from '../contract/reasons.ts'
import type { Run, RunQuery } from '../contract/runs.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { formatDuration } from '../report/duration.ts'
import { STATE_WORDS } from '../report/run-report.ts'
import { didYouMean } from '../tree/near-names.ts'
import type { CommandSpec } from './command.ts'
import { count, timeBack } from './flags.ts'
import { collect } from './listing.ts'
import { withSession } from './session.ts'
import { shortTime, table } from './table.ts'

type RunsOptions = Omit<RunQuery, 'limit' | 'cursor'> & { readonly limit?: number }

const SHOWN_BY_DEFAULT = 20

export const runs: CommandSpec<RunsOptions> = {
  name: 'runs',
  summary: 'list runs, newest first',
  options: [
    { flags: '--suite <name>', description: 'of this suite (its full name)' },
    { flags: '--state <state>', description: RUN_STATES.join(', '), parse: runState },
    { flags: '--label <text>', description: 'with this label' },
    { flags: '--commit <sha>', description: 'of this commit' },
    { flags: '--branch <name>', description: 'of this branch' },
    { flags: '--repository <name>', description: 'of this repository' },
    { flags: '--since <time>', description: 'made since: 2h, 7d, 2026-11-20, 2026-11-20T09:00:00Z', parse: timeBack },
    { flags: '--until <time>', description: 'made until: the same', parse: timeBack },
    { flags: '--limit <n>', description: `at most so many (default: ${SHOWN_BY_DEFAULT})`, parse: count },
  ],
  examples: [
    'verdict runs',
    'verdict runs --state failed --since 7d',
    'verdict runs --suite shop/checkout --branch main --limit 5',
  ],
  act: (call) =>
    withSession(call, async ({ client }) => {
      const { suite, state, label, commit, branch, repository, since, until, limit = SHOWN_BY_DEFAULT } = call.options
      const query = { suite, state, label, commit, branch, repository, since, until }
      const items = await collect(client.runs.list(query, { limit }))
      const heading = ['RUN', 'SUITE', 'STATE', 'RESULTS', 'MADE (UTC)', 'TOOK', 'COMMIT', 'BRANCH']
      call.output.result({ items }, items.length === 0 ? 'no runs' : table(heading, items.map(row)))
      return 0
    }),
}

function row({ id, suite, state, results, createdAt, durationMs, source, ci }: Run): string[] {
  const took = durationMs === null ? '-' : formatDuration(durationMs)
  const commit = (ci.commit ?? source.commit ?? '').slice(0, 7)
  return [id, suite, STATE_WORDS[state], counts(results), shortTime(createdAt), took, commit, ci.branch ?? '']
}

function counts(results: Results | null): string {
  return results === null ? '' : `${results.passed}/${results.total - results.skipped} passed`
}

function runState(value: string): string {
  const state = value.replace('-', '_')
  if ((RUN_STATES as readonly string[]).includes(state)) return state
  throw new WrongUseError(
    `--state: there is no state ${JSON.stringify(value)}${didYouMean(value, RUN_STATES) || `; there are ${RUN_STATES.join(', ')}`}`,
  )
}
