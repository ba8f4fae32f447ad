import { isIP } from 'node:net'

/** One line of the configuration: its name, what is said of it by `--help`, and how its text is read. */
export interface Setting<T> {
  readonly name: string
  readonly help: string
  /** As shown by `--help`. */
  readonly shown: string
  readonly fallback: T
  /** The value, or what is wrong with the text. */
  readonly read: (text: string) => { value: T } | { problem: string }
}

type Reading<T> = { value: T } | { problem: string }
const problem = (text: string) => ({ problem: text })

export function text(name: string, fallback: string, help: string, pattern?: RegExp, wants?: string): Setting<string> {
  const read = (value: string) =>
    pattern && !pattern.test(value) ? problem(wants ?? 'has an unexpected form') : { value }
  return { name, help, shown: fallback || 'none', fallback, read }
}

export function optionalText(name: string, shown: string, help: string): Setting<string | undefined> {
  return { name, help, shown, fallback: undefined, read: (value) => ({ value }) }
}

export function count(
  name: string,
  fallback: number,
  help: string,
  min: number,
  max: number,
  shown?: string,
): Setting<number> {
  const read = (value: string): Reading<number> =>
    /^\d{1,15}$/.test(value) && Number(value) >= min && Number(value) <= max
      ? { value: Number(value) }
      : problem(`must be a whole number from ${min} to ${max}`)
  return { name, help, shown: shown ?? String(fallback), fallback, read }
}

const UNITS: Record<string, number> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

export function size(name: string, fallback: number, shown: string, help: string): Setting<number> {
  const read = (value: string): Reading<number> => {
    const match = /^(\d{1,12})\s*([A-Za-z]{0,3})$/.exec(value)
    const unit = match ? UNITS[match[2] ?? ''] : undefined
    return match && unit
      ? { value: Number(match[1]) * unit }
      : problem('must be a size such as 10000000, 10 MB or 2 GiB')
  }
  return { name, help, shown, fallback, read }
}

export function choice<const T extends string>(
  name: string,
  choices: readonly T[],
  fallback: NoInfer<T>,
  help: string,
): Setting<T> {
  const read = (value: string): Reading<T> =>
    (choices as readonly string[]).includes(value)
      ? { value: value as T }
      : problem(`must be one of ${choices.join(', ')}`)
  return { name, help, shown: fallback, fallback, read }
}

export function flag(name: string, help: string): Setting<boolean> {
  const read = (value: string): Reading<boolean> =>
    value === '1' || value === 'true'
      ? { value: true }
      : value === '0' || value === 'false'
        ? { value: false }
        : problem('must be 1 or 0')
  return { name, help, shown: '0', fallback: false, read }
}

/** Entries separated by commas; an empty text is an empty list. `entry` tells what is wrong with one. */
export function list(
  name: string,
  fallback: readonly string[],
  shown: string,
  help: string,
  entry: (value: string) => string | undefined,
): Setting<readonly string[]> {
  const read = (value: string): Reading<readonly string[]> => {
    const entries = value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
    const wrong = entries.map(entry).find((wants) => wants !== undefined)
    return wrong ? problem(wrong) : { value: entries }
  }
  return { name, help, shown, fallback, read }
}

/** A JSON object of lists of words: name → words. */
export function wordLists(name: string, help: string): Setting<Readonly<Record<string, readonly string[]>>> {
  const wants = problem('must be a JSON object such as {"https://api.example": ["orders:read"]}')
  const read = (value: string): Reading<Readonly<Record<string, readonly string[]>>> => {
    try {
      const lists = JSON.parse(value) as unknown
      if (typeof lists !== 'object' || lists === null || Array.isArray(lists)) return wants
      const good = Object.entries(lists).every(
        ([of, words]) =>
          /^[\x21-\x7e]{1,500}$/.test(of) &&
          Array.isArray(words) &&
          words.every((word) => typeof word === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(word)),
      )
      return good ? { value: Object.freeze(lists as Record<string, string[]>) } : wants
    } catch {
      return wants
    }
  }
  return { name, help, shown: 'none', fallback: {}, read }
}

/** A network or a single address. */
export const isNetwork = (value: string): string | undefined => {
  const [address = '', bits] = value.split('/', 2)
  const version = isIP(address)
  const widest = version === 4 ? 32 : 128
  return version && value.split('/').length <= 2 && (bits === undefined || (/^\d{1,3}$/.test(bits) && +bits <= widest))
    ? undefined
    : `"${value}" is not a network such as 10.0.0.0/8`
}

export const isOrigin = (value: string): string | undefined => {
  const url = URL.parse(value)
  return url && url.origin === value ? undefined : `"${value}" is not an origin such as https://app.example`
}

export const isAbsolutePath = (value: string): string | undefined =>
  value.startsWith('/') ? undefined : `"${value}" is not an absolute path`

export const isLabel = (value: string): string | undefined =>
  /^[a-z0-9][a-z0-9._-]{0,62}$/.test(value)
    ? undefined
    : `"${value}" is not a label ([a-z0-9._-], at most 63 characters)`
