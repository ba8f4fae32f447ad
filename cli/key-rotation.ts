import type { KeyRotate } from '../contract/keys.ts'
import { oneLine } from '../report/text.ts'
import type { CommandSpec } from './command.ts'
import { grace } from './flags.ts'
import { keyIdOf } from './key-name.ts'
import { withSession } from './session.ts'

interface RotateOptions {
  /** Seconds. */
  readonly grace?: number
  readonly untilFirstUse?: boolean
}

export const keysRotate: CommandSpec<RotateOptions> = {
  name: 'keys rotate',
  arguments: '<key>',
  summary: 'replace an API key by a new one and print that, once',
  details:
    'Only the new key goes to standard output. Without flags the old one goes on until the new one is first used, so that ' +
    'no build fails in between. After a leak use --grace 0.',
  options: [
    { flags: '--grace <duration>', description: 'how long the old key goes on: 0, 1h, at most 7d', parse: grace },
    {
      flags: '--until-first-use',
      description: "end the old key at the new one's first use, if that is before the grace",
    },
  ],
  examples: ['verdict keys rotate ci | gh secret set VERDICT_API_KEY', 'verdict keys rotate ci --grace 0'],
  act: (call) => {
    const { args, options, host, output } = call
    const body: KeyRotate = {}
    if (options.grace !== undefined) body.graceSeconds = options.grace
    if (options.untilFirstUse) body.untilFirstUse = true
    return withSession(call, async ({ client }) => {
      const old = await keyIdOf(client, args[0] ?? '')
      const made = await client.keys.rotate(old, body)
      output.result(made, made.key)
      const until =
        body.untilFirstUse || options.grace === undefined ? 'until the new one is first used' : `for ${options.grace} s`
      host.stderr.write(
        `This is the only time the key is shown. ${oneLine(made.name)} (${made.id}) replaces ${old}, which goes on ` +
          `${options.grace === 0 ? 'no more' : until}.\n`,
      )
      return 0
    })
  },
}
