import { WrongUseError } from '../gate/wrong-use.ts'
import type { OptionSpec } from './command.ts'
import type { Environment } from './config.ts'
import { secretName } from './flags.ts'

export const SECRET_OPTION: OptionSpec = {
  flags: '--secret <NAME>',
  description: 'pass on the environment variable NAME as a secret of the suites that declare it (repeatable)',
  parse: secretName,
}

/** The values of the named secrets, from the environment. Throws a WrongUseError for one that is not there. */
export function secretsFrom(env: Environment, names: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const value = env[name]
      if (value) return [name, value]
      throw new WrongUseError(
        value === undefined
          ? `--secret ${name}: the environment has no ${name}; set it for this step`
          : `--secret ${name}: ${name} is empty; check the secret in your CI system (a build of a pull request from a fork gets none)`,
      )
    }),
  )
}
