import type { Setting } from './setting.ts'

/** A table of settings by the name of the field that each becomes. */
// biome-ignore lint/suspicious/noExplicitAny: every line has a type of its own
type Table = Readonly<Record<string, Setting<any>>>
export type Values<T extends Table> = { -readonly [K in keyof T]: T[K]['fallback'] }
export type Env = Readonly<Record<string, string | undefined>>

/** Every bad value at once, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(problems: readonly string[]) {
    super(`the configuration is not usable:\n${problems.map((line) => `- ${line}`).join('\n')}`)
  }
}

/** The values of a table, and what is wrong with those that are: there the fallback stands. An empty text is none. */
export function readSettings<T extends Table>(table: T, env: Env): { values: Values<T>; problems: string[] } {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [field, line] of Object.entries(table)) {
    const given = env[line.name]?.trim() ?? ''
    const reading = given === '' ? { value: line.fallback } : line.read(given)
    if ('problem' in reading) problems.push(`${line.name} ${reading.problem}`)
    values[field] = 'problem' in reading ? line.fallback : reading.value
  }
  return { values: values as Values<T>, problems }
}

/** Names that look like ours and are none of the table's, nor of `others`: most likely mistyped. */
export function unknownSettings(table: Table, others: readonly string[], env: Env): string[] {
  const known = new Set([...Object.values(table).map(({ name }) => name), ...others])
  return Object.keys(env).filter(
    (name) => name.startsWith('VERDICT_') && !known.has(name) && !name.startsWith('VERDICT_TEST_'),
  )
}

/** The lines of `--help`. */
export function settingsHelp(table: Table): string {
  return Object.values(table)
    .map(({ name, shown, help }) => `  ${name}\n      ${help} (default: ${shown})`)
    .join('\n')
}
