import { watchRuns } from '../gate/run-suites.ts'
import { ATTEND_OPTIONS, type AttendOptions, attend, NO_RUNS, waitLimitFor } from './attend.ts'
import type { CommandSpec } from './command.ts'

export const wait: CommandSpec<AttendOptions> = {
  name: 'wait',
  arguments: '<run...>',
  summary: 'wait for runs that were started before, and exit with the verdict',
  details: 'Ctrl-C and SIGTERM cancel the runs, as with `verdict run`; `verdict logs -f` only looks on.',
  options: ATTEND_OPTIONS,
  examples: ['verdict wait run_01jd3v9q8m7x5k2r4t6w8y0zab --junit-file report.xml'],
  emptyAnswer: NO_RUNS,
  act: (call) =>
    attend(call, async (context) => {
      const ids = [...new Set(call.args)]
      const runs = await Promise.all(ids.map((id) => context.client.runs.get(id, { signal: context.signal })))
      const limitMs = waitLimitFor(call.options)
      return watchRuns(
        runs.map((run) => ({ run, replayed: false, limitMs })),
        context,
      )
    }),
}
