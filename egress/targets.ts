import { isIP } from 'node:net'
import { type Cidr, isAllowedAddress, isRefusedAddress } from './addresses.ts'

const TLS_PORT = 443

/**
 * What is wrong with an address that a user chose, in words that follow "the address"; undefined when nothing is. Only what
 * can be seen of the text: what a name means is checked at every connection.
 */
export function targetProblem(text: string, allowed: readonly Cidr[]): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'is no URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https://'
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
  if (allowed.length === 0 && (url.protocol !== 'https:' || port !== TLS_PORT)) return 'must be https on port 443'
  return undefined
}

/** What is wrong with a connection to that very address for this URL; words as of {@link targetProblem}. */
export function connectionProblem(url: URL, address: string, allowed: readonly Cidr[]): string | undefined {
  const port = portOf(url)
  if (isAllowedAddress(address, allowed, port)) return undefined
  if (isRefusedAddress(address, allowed, port)) return 'is private or reserved'
  if (url.protocol !== 'https:' || port !== TLS_PORT) return 'must be https on port 443'
  return undefined
}

/** The host as a look-up takes it: without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? TLS_PORT : 80) : Number(url.port)
}

/** RFC 6761 6.3: these mean loopback, whatever a DNS server says. */
export function isLocalName(host: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(host)
}
