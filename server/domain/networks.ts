import ipaddr from 'ipaddr.js'
import { parseCidr } from '../../egress/addresses.ts'

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

/**
 * Addresses and networks in one form (`10.0.0.1` becomes `10.0.0.1/32`), those left out that lie in another. Throws an
 * Error that names the first entry that is none.
 */
export function canonicalNetworks(entries: readonly string[]): string[] {
  const networks = entries.map((entry) => {
    const parsed = readNetwork(entry.trim())
    return `${parsed.network}/${parsed.prefix}`
  })
  const once = [...new Set(networks)]
  return once.filter((one) => !once.some((other) => other !== one && contains(other, one)))
}

function readNetwork(entry: string): { network: string; prefix: number } {
  let parsed: ReturnType<typeof parseCidr>
  try {
    parsed = parseCidr(entry)
  } catch (error) {
    const [what] = (error as Error).message.split(';')
    throw new Error(`${what}; write 203.0.113.7, 10.1.0.0/16 or 2001:db8::/32`)
  }
  if (parsed.port !== null) throw new Error(`"${entry}" has a port, and an address of a client has none`)
  return parsed
}

/** Whether the address lies in one of the networks; an IPv4-mapped IPv6 address is the IPv4 address that it means. */
export function isWithin(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const one = ipaddr.process(address)
  return networks.some((network) => {
    const [start, prefix] = parsed(network)
    return start.kind() === one.kind() && one.match(start as ipaddr.IPv4, prefix)
  })
}

/** Asked at every call of a bound key, and reading the text is most of the work. Bounded: more is read anew. */
const READ_MAX = 10_000
const read = new Map<string, Network>()

function parsed(network: string): Network {
  let found = read.get(network)
  if (!found) {
    if (read.size >= READ_MAX) read.clear()
    found = ipaddr.parseCIDR(network) as Network
    read.set(network, found)
  }
  return found
}

/** Those of the networks that do not lie wholly in one of `outer`. */
export function beyond(networks: readonly string[], outer: readonly string[]): string[] {
  return networks.filter((one) => !outer.some((other) => contains(other, one)))
}

function contains(outer: string, inner: string): boolean {
  const [outerStart, outerPrefix] = ipaddr.parseCIDR(outer) as Network
  const [innerStart, innerPrefix] = ipaddr.parseCIDR(inner) as Network
  return (
    outerStart.kind() === innerStart.kind() &&
    innerPrefix >= outerPrefix &&
    innerStart.match(outerStart as ipaddr.IPv4, outerPrefix)
  )
}
