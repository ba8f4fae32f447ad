import { didYouMean } from '../../tree/near-names.ts'
import { Problem } from './problem.ts'

/** The values that came with a run. Throws the code for the first whose name the suite does not declare. */
export function declared(
  sent: Record<string, string>,
  names: readonly string[],
  code: 'unknown_variable' | 'unknown_secret',
  word: string,
): Record<string, string> {
  const unknown = Object.keys(sent).find((name) => !names.includes(name))
  if (unknown === undefined) return sent
  throw new Problem(
    code,
    `The suite does not declare the ${word} ${unknown}${didYouMean(unknown, names)}. Declare it under "${word}s:" in verdict.yaml.`,
  )
}
