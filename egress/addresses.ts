import ipaddr from 'ipaddr.js'

/** A network that the operator allows although it is refused otherwise; `port` null: on every port. */
export interface Cidr {
  readonly network: string
  readonly prefix: number
  readonly port: number | null
}

/**
 * IPv4 that is not the public internet: the special-purpose registry of IANA (RFC 6890 and later), and what clouds keep
 * at public-looking addresses. The metadata addresses 169.254.169.254 and 100.100.100.200 (Alibaba) lie in these.
 */
const REFUSED_IPV4: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['168.63.129.16/32', 'Azure WireServer'],
  ['169.254.0.0/16', 'link-local and metadata'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'IETF protocol assignments'],
  ['192.0.2.0/24', 'documentation'],
  ['192.31.196.0/24', 'AS112'],
  ['192.52.193.0/24', 'AMT'],
  ['192.88.99.0/24', '6to4 relay'],
  ['192.168.0.0/16', 'private'],
  ['192.175.48.0/24', 'AS112'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved and broadcast'],
]

/**
 * IPv6 is judged the other way round: only 2000::/3 is global unicast. That leaves out loopback, unique local (with
 * AWS's fd00:ec2::254), link-local, multicast, IPv4-compatible, NAT64, discard and segment-routing addresses at once.
 */
const GLOBAL_IPV6 = '2000::/3'
const REFUSED_IPV6: readonly (readonly [string, string])[] = [
  ['2001::/23', 'IETF protocol assignments, Teredo, ORCHID'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4: any IPv4 address in disguise'],
  ['2620:4f:8000::/48', 'AS112'],
  ['3fff::/20', 'documentation'],
]

const parsed = (table: readonly (readonly [string, string])[]) => table.map(([cidr]) => ipaddr.parseCIDR(cidr))
const refusedV4 = parsed(REFUSED_IPV4)
const refusedV6 = parsed(REFUSED_IPV6)
const globalV6 = ipaddr.parseCIDR(GLOBAL_IPV6)

/**
 * Whether an address that a user chose must not be spoken to. What is no address is refused. An IPv4-mapped one is
 * judged as the IPv4 address that it means. Entries of `allowed` with a port count for that `port` only.
 */
export function isRefusedAddress(address: string, allowed: readonly Cidr[], port?: number): boolean {
  if (!ipaddr.isValid(address)) return true
  const parsedAddress = ipaddr.process(address)
  if (isAllowedAddress(address, allowed, port)) return false
  if (parsedAddress.kind() === 'ipv4') return refusedV4.some((network) => matches(parsedAddress, network))
  return !matches(parsedAddress, globalV6) || refusedV6.some((network) => matches(parsedAddress, network))
}

/** Whether the operator allows that address by name, as private as it may be: there http and any port will do. */
export function isAllowedAddress(address: string, allowed: readonly Cidr[], port?: number): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsedAddress = ipaddr.process(address)
  return allowed.some((cidr) => (cidr.port === null || cidr.port === port) && covers(cidr, parsedAddress))
}

type Address = ReturnType<typeof ipaddr.parse>
type Network = ReturnType<typeof ipaddr.parseCIDR>

function matches(address: Address, network: Network): boolean {
  return address.kind() === network[0].kind() && address.match(network as [ipaddr.IPv4, number])
}

/** Read once: the same few are asked of at every request. */
const networks = new WeakMap<Cidr, Network>()

function covers(cidr: Cidr, address: Address): boolean {
  const network = networks.get(cidr) ?? ([ipaddr.parse(cidr.network), cidr.prefix] as Network)
  networks.set(cidr, network)
  return matches(address, network)
}

/**
 * What a run's network must not reach, as IPv4 networks in CIDR form; `extra` are addresses besides the table's. Only
 * entries without a port are taken out: a route knows no ports.
 */
export function refusedIpv4Networks(allowed: readonly Cidr[], extra: readonly string[] = []): string[] {
  const holes = allowed.filter((cidr) => cidr.port === null && ipaddr.IPv4.isValid(cidr.network)).map(blockOf)
  const blocks = [...REFUSED_IPV4.map(([cidr]) => cidr), ...extra.map((address) => `${address}/32`)].map((text) => {
    const [address, prefix] = ipaddr.parseCIDR(text)
    return blockOf({ network: address.toString(), prefix })
  })
  return holes.reduce((left, hole) => left.flatMap((block) => without(block, hole)), blocks).map(textOf)
}

/** An IPv4 network as a number and a prefix. */
interface Block {
  readonly start: number
  readonly prefix: number
}

function blockOf({ network, prefix }: { network: string; prefix: number }): Block {
  return { start: ipaddr.IPv4.parse(network).octets.reduce((sum, octet) => sum * 256 + octet, 0), prefix }
}

function textOf({ start, prefix }: Block): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.')}/${prefix}`
}

/** A block less a hole: halves it until the hole is a block of its own, and leaves that out. */
function without(block: Block, hole: Block): Block[] {
  const size = 2 ** (32 - block.prefix)
  const holeSize = 2 ** (32 - hole.prefix)
  if (hole.start >= block.start + size || block.start >= hole.start + holeSize) return [block]
  if (hole.prefix <= block.prefix) return []
  const prefix = block.prefix + 1
  return [block.start, block.start + size / 2].flatMap((start) => without({ start, prefix }, hole))
}

/**
 * Reads a list like `10.1.0.0/16, 127.0.0.0/8:8080, [fd00::1]:443`. A bare address means itself alone. Throws an Error that
 * names the entry and what is wrong with it.
 */
export function parseAllowedCidrs(text: string): Cidr[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(parseCidr)
}

/** `address`, `address/prefix`, either with `:port`; an IPv6 address with a port but no prefix stands in brackets. */
export function parseCidr(entry: string): Cidr {
  const refuse = (what: string): never => {
    throw new Error(`"${entry}" ${what}; write 10.1.0.0/16, 127.0.0.1:8080, fd00::/8 or [fd00::1]:443`)
  }
  const form =
    /^\[(?<boxed>[^\]]+)\](?:\/(?<p1>\d+))?(?::(?<port1>\d+))?$/.exec(entry) ??
    /^(?<plain>[^/]+)\/(?<p2>\d+)(?::(?<port2>\d+))?$/.exec(entry) ??
    /^(?<dotted>\d+\.\d+\.\d+\.\d+)(?::(?<port3>\d+))?$/.exec(entry) ??
    /^(?<bare>[0-9a-fA-F:.]+)$/.exec(entry)
  const { boxed, plain, dotted, bare, p1, p2, port1, port2, port3 } = form?.groups ?? {}
  const network = boxed ?? plain ?? dotted ?? bare ?? refuse('is no network')
  const isV4 = ipaddr.IPv4.isValidFourPartDecimal(network)
  if (!isV4 && !ipaddr.IPv6.isValid(network)) return refuse('is no IPv4 or IPv6 network')
  if (!isV4 && ipaddr.IPv6.parse(network).isIPv4MappedAddress()) return refuse('is an IPv4 network in disguise')
  const bits = isV4 ? 32 : 128
  const prefix = Number(p1 ?? p2 ?? bits)
  if (prefix > bits) return refuse(`has a prefix longer than ${bits}`)
  const first = (isV4 ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(`${network}/${prefix}`).toString()
  if (first !== ipaddr.parse(network).toString())
    return refuse(`has bits beyond its prefix (meant ${first}/${prefix}?)`)
  const portText = port1 ?? port2 ?? port3
  const port = portText === undefined ? null : Number(portText)
  if (port !== null && (port < 1 || port > 65_535)) return refuse('has no port from 1 to 65535')
  return { network: first, prefix, port }
}

/** Whether the operator allows all of the machine's own loopback, on every port. */
export function allowsLoopback(allowed: readonly Cidr[]): boolean {
  return refusedIpv4Networks(allowed).every((network) => !network.startsWith('127.'))
}
