import { HOST_KEYS_MAX, readHostKey } from './ssh-host-keys.ts'

/** The full name of a commit: SHA-1, or SHA-256 in repositories of that format. A shorter one may come to mean another. */
export const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
export const GIT_URL_MAX = 2000

/** The address of a repository, taken apart. */
export interface GitAddress {
  readonly transport: 'http' | 'ssh'
  /** The same address as git is given it: the host in its plain form, and nothing that git would read as something else. */
  readonly href: string
  /** Scheme, host and port alone, as egress/ checks them: `ssh://git.example:2222`. */
  readonly endpoint: string
  /** As ssh and known_hosts name it: without brackets and port. */
  readonly host: string
  readonly port: number
  /** `host/owner/name`, as clients name repositories. The port of ssh is a matter of access and no part of it. */
  readonly repository: string
}

const SSH_PORT = 22
const SSH_URL = /^ssh:\/\/(?<user>[^@/]*@)?(?<host>\[[^\]]*\]|[^/:@]*)(?<port>:[^/]*)?(?<path>\/.*)?$/i
/** `user@host:path` (git-clone(1), "GIT URLS"): always port 22, and the path begins at the user's home. */
const SCP_FORM = /^(?<user>[^@/:]*@)(?<host>[^/:@]+):(?<path>.*)$/
/** No `-` first: ssh and git would take it for an option. */
const SSH_USER = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/
const SSH_HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*)|\[[0-9A-Fa-f:.]+\])$/

/**
 * What is wrong with the address of a repository, in words that follow "the address"; undefined when nothing is. Only
 * http, https and ssh: git's other transports run programs (`ext::`), read this machine (`file:`) or have no encryption.
 */
export function gitUrlProblem(text: string): string | undefined {
  const read = readAddress(text)
  return typeof read === 'string' ? read : undefined
}

/** Throws an Error for an address that {@link gitUrlProblem} has something against. */
export function gitAddress(text: string): GitAddress {
  const read = readAddress(text)
  if (typeof read === 'string') throw new Error(`the address ${read}`)
  return read
}

/** `host/owner/name`, as clients name repositories. */
export function repositoryOfUrl(url: string): string {
  return gitAddress(url).repository
}

function readAddress(text: string): GitAddress | string {
  if (text.length > GIT_URL_MAX) return `is longer than ${GIT_URL_MAX} characters`
  const ssh = SSH_URL.exec(text) ?? (text.includes('://') ? null : SCP_FORM.exec(text))
  if (!ssh && !/^https?:\/\//i.test(text)) return 'must begin with https:// or ssh://, or have the form git@host:path'
  // A URL parser drops or turns round what git's own does not.
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(text))
    return 'holds a space, a backslash or another character that no address has'
  if (/[?#]/.test(text)) return 'must not have a query or a fragment'
  return ssh ? sshAddress(ssh) : httpAddress(text)
}

function httpAddress(text: string): GitAddress | string {
  if (!URL.canParse(text)) return 'is no URL'
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user name or password: keep them as a secret of the suite and name that as the credential'
  if (url.pathname === '/') return 'names no repository'
  return {
    transport: 'http',
    href: url.href,
    endpoint: url.origin,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
    repository: named(url.host, url.pathname),
  }
}

function sshAddress(found: RegExpExecArray): GitAddress | string {
  const { user: userText = '', host: hostText = '', port: portText, path = '' } = found.groups ?? {}
  const isUrl = found[0].includes('://')
  const user = userText.slice(0, -1)
  if (user.includes(':')) return 'must not hold a password: with ssh the credential is a private key'
  if (user === '') return 'names no user: write ssh://git@host/path'
  // The rest of RFC 3986 would be decoded by git, and could then be read as an option.
  if (!SSH_USER.test(user) || found[0].includes('%'))
    return 'has a user, a host or a path that ssh or git may take for something else'
  if (!SSH_HOST.test(hostText) || !URL.canParse(`https://${hostText}`)) return 'names no host'
  // What a look-up would take for 127.0.0.1 (2130706433, 0x7f.1) is written so.
  const { hostname } = new URL(`https://${hostText}`)
  const port = portText === undefined ? SSH_PORT : Number(portText.slice(1))
  if (portText !== undefined && !(/^:\d{1,5}$/.test(portText) && port >= 1 && port <= 65_535))
    return 'has no port from 1 to 65535'
  if (/^\/*$/.test(path)) return 'names no repository'
  if (path.startsWith('-')) return 'has a path that begins with "-", which git would take for an option'
  const atPort = port === SSH_PORT ? '' : `:${port}`
  return {
    transport: 'ssh',
    href: isUrl ? `ssh://${user}@${hostname}${atPort}${path}` : `${user}@${hostname}:${path}`,
    endpoint: `ssh://${hostname}${atPort}`,
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    repository: named(hostname, path),
  }
}

function named(host: string, path: string): string {
  return `${host}/${path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')}`
}

/** What a suite says of its source, as far as its fields depend on one another. */
export interface SourceFields {
  readonly git: string
  readonly credential?: string | null | undefined
  readonly hostKeys?: readonly string[] | undefined
}

/** The field that is wrong and why, in words that follow the field's name; undefined when nothing is. */
export function sourceProblem(source: SourceFields): { field: keyof SourceFields; problem: string } | undefined {
  const address = readAddress(source.git)
  if (typeof address === 'string') return { field: 'git', problem: address }
  const { credential, hostKeys = [] } = source
  if (address.transport === 'http')
    return hostKeys.length > 0 ? { field: 'hostKeys', problem: 'is for addresses of ssh only' } : undefined
  if (!credential)
    return { field: 'credential', problem: 'is needed with ssh: the name of the secret that holds the private key' }
  const lines = linesOf(hostKeys)
  if (lines.length === 0) return { field: 'hostKeys', problem: `is needed with ssh: ${WHENCE}` }
  if (lines.length > HOST_KEYS_MAX) return { field: 'hostKeys', problem: `has more than ${HOST_KEYS_MAX} keys` }
  for (const line of lines) {
    const read = readHostKey(line, address)
    if ('problem' in read) return { field: 'hostKeys', problem: read.problem }
  }
  return undefined
}

const WHENCE =
  "the host's public keys, as it publishes them, or as `ssh-keyscan HOST` prints them and you compared them"

/** The keys alone, in one order: equal pins are equal values. The source must have no {@link sourceProblem}. */
export function hostKeysOf({ git, hostKeys = [] }: SourceFields): string[] {
  const address = gitAddress(git)
  const keys = linesOf(hostKeys).map((line) => {
    const read = readHostKey(line, address)
    if ('problem' in read) throw new Error(read.problem)
    return read.key
  })
  return [...new Set(keys)].sort()
}

/** A text may hold several lines, with comments, as a file of known_hosts does. */
function linesOf(texts: readonly string[]): string[] {
  const lines = texts.flatMap((text) => text.split(/\r?\n/)).map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}
