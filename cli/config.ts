import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { KeyError } from '../client/index.ts'
import { WrongUseError } from '../gate/wrong-use.ts'

/** What `verdict login` keeps. */
export interface ConfigFile {
  readonly url?: string
  readonly apiKey?: string
}

/** Which server, with which key, and where both were found: flags, then the environment, then the file. */
export interface Settings {
  readonly url: string
  readonly apiKey: string
  /** Where they were found, for messages: a flag, a variable, or the file's path. */
  readonly urlFrom: string
  readonly keyFrom: string
  /** Plain http to a server that is not this machine. */
  readonly allowHttp: boolean
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Longer than any configuration of ours; a file that long is something else. Bytes. */
const FILE_MAX_BYTES = 64 * 1024

/** `${XDG_CONFIG_HOME}/verdict/config.json`, by default below `~/.config` (a relative XDG path counts for nothing, as its specification says). */
export function configPath(env: Environment, home: string): string {
  const xdg = env.XDG_CONFIG_HOME
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.config'), 'verdict', 'config.json')
}

/**
 * What the file says; empty when there is none. A file that others may read or change is refused rather
 * than believed: it holds a key.
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw new WrongUseError(`${path} cannot be read: ${cause.message}`, { cause })
  })
  if (!file) return {}
  try {
    const { mode, size } = await file.stat()
    // Windows keeps no such bits: a user's profile is the user's own there.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new WrongUseError(
        `${path} holds a key and others on this machine may use it (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): ` +
          `run \`chmod 600 ${path}\`, and make a new key if others had a look`,
      )
    }
    if (size > FILE_MAX_BYTES)
      throw new WrongUseError(
        `${path} is no configuration of verdict (${size} bytes): remove it and run \`verdict login\``,
      )
    return parse(path, await file.readFile('utf8'))
  } catch (cause) {
    if (cause instanceof WrongUseError) throw cause
    throw new WrongUseError(`${path} cannot be read: ${(cause as Error).message}`, { cause })
  } finally {
    await file.close()
  }
}

function parse(path: string, text: string): ConfigFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, and the text holds a key.
    throw new WrongUseError(`${path} is not valid JSON: mend it, or run \`verdict login\` to write it anew`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new WrongUseError(`${path} is not a JSON object: run \`verdict login\` to write it anew`)
  const { url, apiKey, ...others } = value as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new WrongUseError(`${path}: unknown field ${JSON.stringify(unknown)}; it knows "url" and "apiKey"`)
  for (const [name, field] of Object.entries({ url, apiKey })) {
    if (field !== undefined && typeof field !== 'string') throw new WrongUseError(`${path}: "${name}" is not a text`)
  }
  return { url: url as string | undefined, apiKey: apiKey as string | undefined }
}

/** Writes the file so that nobody else can read it at any moment (0600 from the start, in place by one rename). */
export async function writeConfigFile(path: string, config: Required<ConfigFile>): Promise<void> {
  const next = `${path}.new`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await rm(next, { force: true })
    const file = await open(next, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(config, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(next, path)
  } catch (cause) {
    await rm(next, { force: true }).catch(() => {})
    throw new WrongUseError(`${path} cannot be written: ${(cause as Error).message}`, { cause })
  }
}

/** The server's address alone, for what needs no key yet, and where it was found. */
export function findUrl(
  flag: string | undefined,
  env: Environment,
  file: ConfigFile,
  path: string,
): { url: string; urlFrom: string } | undefined {
  const places = [
    { url: flag, urlFrom: '--url' },
    { url: env.VERDICT_URL, urlFrom: 'VERDICT_URL' },
    { url: file.url, urlFrom: path },
  ]
  for (const { url, urlFrom } of places) if (url?.trim()) return { url: url.trim(), urlFrom }
  return undefined
}

export function allowsHttp(env: Environment): boolean {
  return env.VERDICT_ALLOW_HTTP === '1'
}

/**
 * Which server and which key. A key from the file goes to no other server than the one it was kept for: a `--url` in a
 * script must not be able to collect it.
 */
export function findSettings(flag: string | undefined, env: Environment, file: ConfigFile, path: string): Settings {
  const found = findUrl(flag, env, file, path)
  if (!found) {
    throw new WrongUseError(
      'no server is configured: set VERDICT_URL (and VERDICT_API_KEY), or give --url, or run `verdict login` once on your own machine',
    )
  }
  const { url } = found
  const allowHttp = allowsHttp(env)
  const fromEnvironment = env.VERDICT_API_KEY?.trim()
  if (fromEnvironment) return { ...found, apiKey: fromEnvironment, keyFrom: 'VERDICT_API_KEY', allowHttp }
  if (file.apiKey && file.url && sameServer(file.url, url))
    return { ...found, apiKey: file.apiKey, keyFrom: path, allowHttp }
  throw new KeyError(noKey(url, env, file, path))
}

function noKey(url: string, env: Environment, file: ConfigFile, path: string): string {
  if (env.VERDICT_API_KEY !== undefined) {
    return (
      'VERDICT_API_KEY is set but empty: check the name of the secret in your CI system ' +
      '(a build of a pull request from a fork gets no secrets)'
    )
  }
  if (file.apiKey)
    return `the key in ${path} is for ${file.url ?? 'no server'} and is not sent to ${url}: set VERDICT_API_KEY, or run \`verdict login --url ${url}\``
  return `no key for ${url}: set VERDICT_API_KEY (in CI: from a secret), or run \`verdict login\` once on your own machine`
}

function sameServer(a: string, b: string): boolean {
  const [left, right] = [a, b].map((url) => (URL.canParse(url) ? new URL(url).href.replace(/\/+$/, '') : undefined))
  return left !== undefined && left === right
}
