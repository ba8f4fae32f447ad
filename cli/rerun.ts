import { lateAbort } from '../gate/late-abort.ts'
import { watchRuns } from '../gate/run-suites.ts'
import { ATTEND_OPTIONS, type AttendOptions, attend, NO_RUNS, waitLimitFor } from './attend.ts'
import type { CommandSpec } from './command.ts'
import { SECRET_OPTION, secretsFrom } from './run-secrets.ts'

interface RerunOptions extends AttendOptions {
  readonly secret?: readonly string[]
  readonly idempotencyKey?: string
}

/** A run whose client has been away so long is cancelled (wire 5). */
const ABANDON_AFTER_SECONDS = 120
/** After a signal, how long the answer to the trigger is awaited, so that its run can be cancelled. */
const TRIGGER_GRACE_MS = 2_000

export const rerun: CommandSpec<RerunOptions> = {
  name: 'rerun',
  arguments: '<run>',
  summary: 'run the same again (definition, files, variables), wait, and exit with the verdict',
  details: 'Secrets that came with the run are gone with it: pass them again. Ctrl-C and SIGTERM cancel the new run.',
  options: [
    SECRET_OPTION,
    ...ATTEND_OPTIONS,
    { flags: '--idempotency-key <key>', description: 'calls with the same key start the same run once' },
  ],
  examples: [
    'verdict rerun run_01jd3v9q8m7x5k2r4t6w8y0zab',
    'verdict rerun run_01jd3v9q8m7x5k2r4t6w8y0zab --secret SHOP_TOKEN',
  ],
  emptyAnswer: NO_RUNS,
  async act(call) {
    const { args, options, host } = call
    const secrets = secretsFrom(host.env, options.secret)
    return attend(call, async (context) => {
      const { client, clock, signal } = context
      const body = { abandonAfterSeconds: ABANDON_AFTER_SECONDS, ...(options.secret && { secrets }) }
      const late = lateAbort(clock, signal, TRIGGER_GRACE_MS)
      try {
        const idempotencyKey = options.idempotencyKey
        const made = await client.runs.rerun(args[0] ?? '', body, { idempotencyKey, signal: late.signal })
        return await watchRuns([{ ...made, limitMs: waitLimitFor(options) }], context)
      } finally {
        late.stop()
      }
    })
  },
}
