import picocolors from 'picocolors'
import type { Environment } from './config.ts'
import type { Host, Screen } from './host.ts'

export type Colors = ReturnType<typeof picocolors.createColors>

/**
 * Where a command's words go. Without --json people's text goes to standard output and complaints to standard error;
 * with it one object goes to standard output and all else to standard error.
 */
export interface Output {
  readonly json: boolean
  /** The stream of people's text. */
  readonly screen: Screen
  /** Whether that stream takes a line that is drawn anew all the time: a person's terminal does, a CI log never. */
  readonly live: boolean
  /** Colours of that stream: plain functions unless it may have some. */
  readonly colors: Colors
  /** A line for people. */
  print(line: string): void
  /** A warning or advice: never on standard output. */
  warn(line: string): void
  /** The answer itself: as one JSON object, or as `text` for people. */
  result(value: object, text: string): void
  /** Whether `result` was called: a command answers once. */
  readonly answered: boolean
}

/** Colour only on a terminal, never with NO_COLOR (no-color.org), always with FORCE_COLOR other than 0. */
export function wantsColor(screen: Screen, env: Environment): boolean {
  if (env.NO_COLOR) return false
  const forced = env.FORCE_COLOR
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  return screen.isTTY === true && env.TERM !== 'dumb'
}

export function openOutput(host: Pick<Host, 'stdout' | 'stderr' | 'env'>, json: boolean): Output {
  const screen = json ? host.stderr : host.stdout
  const warning = picocolors.createColors(wantsColor(host.stderr, host.env)).yellow
  let answered = false
  return {
    json,
    screen,
    live: screen.isTTY === true && host.env.TERM !== 'dumb' && !host.env.CI,
    colors: picocolors.createColors(wantsColor(screen, host.env)),
    print: (line) => void screen.write(`${line}\n`),
    warn: (line) => void host.stderr.write(`${warning('warning:')} ${line}\n`),
    result(value, text) {
      answered = true
      if (json) host.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
      else if (text !== '') host.stdout.write(`${text}\n`)
    },
    get answered() {
      return answered
    },
  }
}
