import { WrongUseError } from '../gate/wrong-use.ts'

/** Flags that people try first, because other tools have them. */
const KEY_FLAGS = /^--?(api[-_]?key|access[-_]?key|access[-_]?token|api[-_]?token|key|token|password|auth)(=|$)/i
const KEY_IN_TEXT = /vdt_[0-9A-Za-z]{8,}/

/**
 * Refuses a key on the command line before anything repeats it: what is there is seen by everybody on the machine, kept
 * in the shell's history, and printed by CI systems.
 */
export function refuseKeys(argv: readonly string[]): void {
  if (argv.some((argument) => KEY_IN_TEXT.test(argument))) {
    throw new WrongUseError(
      'there is an API key on the command line, where others can see it: a key is never a flag. ' +
        'Revoke it (`verdict keys revoke`), make a new one and set VERDICT_API_KEY',
    )
  }
  const flag = argv.find((argument) => KEY_FLAGS.test(argument))
  if (flag !== undefined) {
    throw new WrongUseError(
      `${flag.split('=')[0]}: a key is never a flag: set VERDICT_API_KEY, or run \`verdict login\``,
    )
  }
}
