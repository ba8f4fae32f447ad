import { isIP } from 'node:net'
import { type Cidr, isAllowedAddress, isRefusedAddress } from './addresses.ts'

/** The one port on which a public host may be spoken to, by scheme: what has no encryption has none. */
const PUBLIC_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'ssh:': 22 }
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, ...PUBLIC_PORTS }

/** Ways to speak to an address: of requests, and of repositories. */
export const WEB = ['https:', 'http:'] as const
export const GIT = [...WEB, 'ssh:'] as const

/**
 * What is wrong with an address that a user chose, in words that follow "the address"; undefined when nothing is. Only what
 * can be seen of the text: what a name means is checked at every connection.
 */
export function targetProblem(
  text: string,
  allowed: readonly Cidr[],
  schemes: readonly string[] = WEB,
): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'is no URL'
  if (!schemes.includes(url.protocol)) return 'must begin with https://'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  if (url.hash !== '' || text.includes('#')) return 'must not have a fragment (#…)'
  const host = hostOf(url)
  const port = portOf(url)
  if (isIP(host)) return connectionProblem(url, host, allowed)
  if (isLocalName(host)) {
    const problem = ['127.0.0.1', '::1'].some((address) => isAllowedAddress(address, allowed, port))
    return problem ? undefined : 'names this machine itself'
  }
  // A name may mean an allowed address: then it may be http and any port. Nobody is allowed: then it may not.
  return allowed.length === 0 ? portProblem(url) : undefined
}

/** What is wrong with a connection to that very address for this URL; words as of {@link targetProblem}. */
export function connectionProblem(url: URL, address: string, allowed: readonly Cidr[]): string | undefined {
  const port = portOf(url)
  if (isAllowedAddress(address, allowed, port)) return undefined
  if (isRefusedAddress(address, allowed, port)) return 'is private or reserved'
  return portProblem(url)
}

function portProblem(url: URL): string | undefined {
  if (PUBLIC_PORTS[url.protocol] === portOf(url)) return undefined
  return url.protocol === 'ssh:' ? 'must be on port 22' : 'must be https on port 443'
}

/** The host as a look-up takes it: without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

export function portOf(url: URL): number {
  return url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port)
}

/** RFC 6761 6.3: these mean loopback, whatever a DNS server says. */
export function isLocalName(host: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(host)
}
