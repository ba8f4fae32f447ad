import { InvalidArgumentError } from 'commander'
import { VARIABLE_NAME } from '../contract/names.ts'
import { WrongUseError } from '../gate/wrong-use.ts'
import { DURATION_FORM, parseDuration } from '../tree/duration.ts'

// Converters of flags' values. What they refuse is named by commander together with the flag, except where the value
// may be a secret: then the message is ours and leaves it out.

/** Seconds of `10m`, `1h30m`, `45s`; at least 1. */
export function duration(value: string): number {
  const seconds = parseDuration(value)
  if (seconds === undefined || seconds < 1) throw new InvalidArgumentError(`It takes ${DURATION_FORM}.`)
  return seconds
}

/** A repeatable flag's values, in order. */
export function repeated(value: string, before: unknown): string[] {
  return [...((before as string[] | undefined) ?? []), value]
}

/** Names by comma; may be repeated. */
export function names(value: string, before: unknown): string[] {
  const list = value.split(',').map((name) => name.trim())
  if (list.includes('')) throw new InvalidArgumentError('It takes names separated by commas.')
  return [...((before as string[] | undefined) ?? []), ...list]
}

/** `KEY=VALUE`: all after the first `=` is the value. */
export function variable(text: string, before: unknown): Record<string, string> {
  const variables = { ...(before as Record<string, string> | undefined) }
  const at = text.indexOf('=')
  if (at < 0) throw new InvalidArgumentError('It takes KEY=VALUE.')
  const name = text.slice(0, at)
  if (!VARIABLE_NAME.test(name)) throw new InvalidArgumentError(`${JSON.stringify(name)} is no variable's name.`)
  if (Object.hasOwn(variables, name)) throw new InvalidArgumentError(`${name} is given twice.`)
  variables[name] = text.slice(at + 1)
  return variables
}

/** The name of an environment variable that holds a secret: never the secret itself. */
export function secretName(name: string, before: unknown): string[] {
  if (!VARIABLE_NAME.test(name)) {
    throw new WrongUseError(
      'a secret is never a flag: --secret takes the name of an environment variable that holds it ' +
        '(`export SHOP_TOKEN=…`, then `--secret SHOP_TOKEN`)',
    )
  }
  return repeated(name, before)
}

/** A whole number from 1 on. */
export function count(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError('It takes a whole number from 1 on.')
  return Number(value)
}

/** A time: ISO 8601 (`2026-11-20`, `2026-11-20T09:00:00Z`; a day begins in UTC) or how long ago (`45m`, `2h`, `7d`). */
export function timeBack(value: string, _before: unknown, now: number): string {
  const ago = days(value) ?? parseDuration(value)
  return ago === undefined ? isoTime(value) : new Date(now - ago * 1000).toISOString()
}

/** When a key ends: `90d`, a day or time to come (ISO 8601), or `never`. */
export function expiry(value: string, _before: unknown, now: number): string {
  if (value === 'never') return value
  const ahead = days(value)
  const time = ahead === undefined ? isoTime(value) : new Date(now + ahead * 1000).toISOString()
  if (Date.parse(time) <= now) throw new InvalidArgumentError('That time is past.')
  return time
}

/** A day in UTC: `2026-11-20`. */
export function day(value: string): string {
  if (value.length !== 10) throw new InvalidArgumentError('It takes a day such as 2026-11-20.')
  return isoTime(value).slice(0, 10)
}

/** Seconds that a replaced key goes on: `0`, `10m`, `7d`; at most 7 days. */
export function grace(value: string): number {
  const seconds = value === '0' ? 0 : (days(value) ?? parseDuration(value))
  if (seconds === undefined || seconds > 7 * 86_400)
    throw new InvalidArgumentError('It takes 0, 10m, 1h30m or up to 7d.')
  return seconds
}

function days(value: string): number | undefined {
  const match = /^(\d{1,5})d$/.exec(value)
  return match ? Number(match[1]) * 86_400 : undefined
}

const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/

function isoTime(value: string): string {
  const time = ISO_TIME.test(value) ? Date.parse(value) : Number.NaN
  // 2026-02-30 would become a day of March.
  if (Number.isNaN(time) || (value.length === 10 && !new Date(time).toISOString().startsWith(value))) {
    throw new InvalidArgumentError('It takes a date such as 2026-11-20 or 2026-11-20T09:00:00Z, or days such as 90d.')
  }
  return new Date(time).toISOString()
}
