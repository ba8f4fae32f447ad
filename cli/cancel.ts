import { isFinal } from '../contract/reasons.ts'
import type { Run } from '../contract/runs.ts'
import { STATE_WORDS } from '../report/run-report.ts'
import type { CommandSpec } from './command.ts'
import { explain } from './errors.ts'
import { withSession } from './session.ts'

export const cancel: CommandSpec = {
  name: 'cancel',
  arguments: '<run...>',
  summary: 'cancel runs: queued ones at once, running ones within seconds',
  details: 'A run that has ended stays as it is.',
  examples: ['verdict cancel run_01jd3v9q8m7x5k2r4t6w8y0zab'],
  act: (call) =>
    withSession(call, async ({ client }) => {
      // Side by side, and all of them even when one is refused.
      const settled = await Promise.allSettled(call.args.map((id) => client.runs.cancel(id)))
      const items = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const [refused, ...others] = settled.filter((one) => one.status === 'rejected')
      const lines = items.map(describe).join('\n')
      if (refused) {
        if (lines !== '') call.output.print(lines)
        for (const { reason } of others) call.output.warn(explain(reason))
        throw refused.reason
      }
      call.output.result({ items }, lines)
      return 0
    }),
}

function describe({ id, suite, state }: Run): string {
  return `${id} ${suite}: ${isFinal(state) ? STATE_WORDS[state] : 'being cancelled'}`
}
