import { WrongUseError } from '../gate/wrong-use.ts'
import type { Call } from './command.ts'
import { ask } from './prompt.ts'

/**
 * Asks a person before what cannot be taken back; rejects unless the answer is yes. Where nobody can be asked (a script,
 * a CI job) the command itself was the answer, so it goes on.
 */
export async function confirmed({ host, options }: Call<{ readonly yes?: boolean }>, question: string): Promise<void> {
  if (options.yes || !host.stdin.isTTY) return
  const answer = await ask(host.stdin, host.stderr, `${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer)) throw new WrongUseError('nothing was done')
}
