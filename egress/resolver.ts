import { Resolver } from 'node:dns/promises'
import { isLocalName } from './targets.ts'

/** All addresses of a name, IPv4 first. Rejects when it has none. */
export type Resolve = (host: string) => Promise<string[]>

const TIMEOUT_MS = 2000
const TRIES = 2

/**
 * Asks the DNS servers of the machine, or those given (`address:port`). Not `getaddrinfo`: that one blocks a thread of the
 * process for as long as a name server keeps it waiting, and a few slow names would stop all file work. So /etc/hosts and
 * search domains do not count.
 */
export function dnsResolver(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  if (servers) resolver.setServers(servers)
  return async (host) => {
    if (isLocalName(host)) return ['127.0.0.1', '::1']
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const addresses = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length > 0) return addresses
    throw v4.status === 'rejected' ? v4.reason : new Error(`${host} has no address`)
  }
}
