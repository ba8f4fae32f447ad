import { buildFacts } from '../gate/ci-facts.ts'
import type { GateResult } from '../gate/gate.ts'
import { runSuites } from '../gate/run-suites.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { ATTEND_OPTIONS, type AttendOptions, attend, NO_RUNS } from './attend.ts'
import type { CommandSpec } from './command.ts'
import { duration, repeated, variable } from './flags.ts'
import { SECRET_OPTION, secretsFrom } from './run-secrets.ts'

interface RunOptions extends AttendOptions {
  readonly stored?: boolean
  readonly secret?: readonly string[]
  readonly variable?: Readonly<Record<string, string>>
  readonly label?: readonly string[]
  /** False with --no-wait. */
  readonly wait: boolean
  /** Seconds. */
  readonly timeout?: number
  readonly callbackUrl?: string
  readonly idempotencyKey?: string
}

export const run: CommandSpec<RunOptions> = {
  name: 'run',
  arguments: '[suites...]',
  summary: 'run suites, wait, and exit with the verdict',
  details:
    'Suites are names and globs. Those that verdict.yaml names run from this working tree, others as they were pushed; ' +
    'without names all suites of verdict.yaml run, side by side. Ctrl-C and SIGTERM cancel the runs.',
  options: [
    { flags: '--stored', description: 'run what was pushed, not this working tree' },
    SECRET_OPTION,
    {
      flags: '--variable <KEY=VALUE>',
      description: 'set a variable that the suite declares (repeatable)',
      parse: variable,
    },
    { flags: '--label <text>', description: 'label the runs, to find them by (repeatable)', parse: repeated },
    {
      flags: '--timeout <duration>',
      description: "a run's own limit, such as 10m (default: the suite's)",
      parse: duration,
    },
    { flags: '--no-wait', description: 'exit once the runs are accepted' },
    ...ATTEND_OPTIONS,
    { flags: '--callback-url <url>', description: 'have the server tell this address how the runs end' },
    { flags: '--idempotency-key <key>', description: 'calls with the same key start the same runs once' },
  ],
  examples: [
    'verdict run',
    'verdict run checkout "smoke-*" --junit-file report.xml',
    'verdict run smoke --stored --variable TARGET=https://staging.example.com',
    'SHOP_TOKEN=… verdict run checkout --secret SHOP_TOKEN --timeout 10m',
  ],
  emptyAnswer: NO_RUNS,
  async act(call) {
    const { args, options, directory, host } = call
    if (!options.wait) refuseWaiting(options)
    const secrets = secretsFrom(host.env, options.secret)
    return attend(call, async (context) => {
      const result = await runSuites(
        {
          names: args,
          stored: options.stored ?? false,
          directory,
          facts: (root) => buildFacts(host.env, root, host.git),
          wait: options.wait,
          variables: options.variable ?? {},
          secrets,
          timeoutSeconds: options.timeout,
          waitTimeoutSeconds: options.waitTimeout,
          callbackUrl: options.callbackUrl,
          labels: options.label ?? [],
          idempotencyKey: options.idempotencyKey,
        },
        context,
      )
      if (!options.wait) context.listener.notice?.(howToWait(result))
      return result
    })
  },
}

/** Flags about what is only there once a run has ended. */
function refuseWaiting({ junitFile, summaryFile, artifactsDir, waitTimeout }: AttendOptions): void {
  const flags = {
    '--junit-file': junitFile,
    '--summary-file': summaryFile,
    '--artifacts-dir': artifactsDir,
    '--wait-timeout': waitTimeout,
  }
  const [flag] = Object.entries(flags).find(([, value]) => value !== undefined) ?? []
  if (flag) throw new WrongUseError(`--no-wait leaves before there are results: give ${flag} to \`verdict wait\``)
}

function howToWait({ outcomes }: GateResult): string {
  const ids = outcomes.flatMap(({ run }) => (run ? [run.id] : []))
  return ids.length === 0 ? 'no run was started' : `\`verdict wait ${ids.join(' ')}\` waits for the verdict`
}
