import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import {
  allowsLoopback,
  isRefusedAddress,
  parseAllowedCidrs,
  parseCidr,
  refusedIpv4Networks,
} from '../../egress/addresses.ts'

describe('isRefusedAddress', () => {
  it.each([
    ['this network', '0.0.0.0', '0.255.255.255'],
    ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
    ['carrier-grade NAT, with the metadata of Alibaba', '100.64.0.1', '100.127.255.255', '100.100.100.200'],
    ['loopback', '127.0.0.1', '127.255.255.254', '::1'],
    [
      'link-local, with the metadata of most clouds',
      '169.254.169.254',
      '169.254.0.1',
      'fe80::1',
      'fe80::1%eth0',
      'febf::1',
    ],
    ['Azure WireServer', '168.63.129.16'],
    ['protocol assignments', '192.0.0.1', '192.0.0.192', '2001::1', '2001:1::1', '2001:20::1'],
    ['documentation', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
    ['AS112 and AMT', '192.31.196.1', '192.52.193.1', '192.175.48.1', '2620:4f:8000::1'],
    ['6to4', '192.88.99.1', '2002:7f00:1::', '2002:a00:1::1'],
    ['benchmarking', '198.18.0.1', '198.19.255.255'],
    ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1'],
    ['reserved and broadcast', '240.0.0.1', '255.255.255.255'],
    ['unspecified', '::'],
    ['unique local, with the metadata of AWS', 'fc00::1', 'fd00:ec2::254', 'fdff::1'],
    ['NAT64', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::1'],
    ['IPv4-compatible', '::7f00:1', '::127.0.0.1', '::808:808'],
    ['IPv4-mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:169.254.169.254'],
    ['IPv4-translated', '::ffff:0:127.0.0.1'],
    ['discard and segment routing', '100::1', '100:0:0:1::1', '5f00::1'],
    ['site-local and unassigned', 'fec0::1', '4000::1', '1::1'],
    ['odd spellings of loopback', '0x7f.1', '2130706433', '0177.0.0.1', '127.1'],
    ['no address', '', 'localhost', '1.2.3.4.5', '1.2.3.4/8', '[::1]', 'g::1'],
  ])('refuses %s', (_what, ...addresses) => {
    for (const address of addresses) expect(isRefusedAddress(address, []), address).toBe(true)
  })

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '93.184.216.34',
    '100.63.255.255',
    '100.128.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '168.63.129.15',
    '168.63.129.17',
    '169.253.0.1',
    '192.167.0.1',
    '198.17.0.1',
    '198.20.0.1',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001:800::200e',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
  ])('lets %s pass', (address) => {
    expect(isRefusedAddress(address, [])).toBe(false)
  })

  it('refuses all that ipaddr.js does not take for ordinary', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const known = ipaddr.process(address)
        return known.range() === 'unicast' || isRefusedAddress(address, [])
      }),
      { numRuns: 5000 },
    )
  })

  it('lets what the operator allows pass, and nothing beside it', () => {
    const allowed = parseAllowedCidrs('10.1.0.0/16 fd00:1::/32')
    expect(['10.1.2.3', 'fd00:1::5', '::ffff:10.1.2.3'].map((address) => isRefusedAddress(address, allowed))).toEqual([
      ...[false, false, false],
    ])
    expect(['10.2.0.1', 'fd00:2::5', '127.0.0.1'].map((address) => isRefusedAddress(address, allowed))).toEqual([
      ...[true, true, true],
    ])
  })

  it('counts an entry with a port for that port only', () => {
    const allowed = parseAllowedCidrs('127.0.0.1:8080')
    expect(isRefusedAddress('127.0.0.1', allowed, 8080)).toBe(false)
    expect(isRefusedAddress('127.0.0.1', allowed, 8081)).toBe(true)
    expect(isRefusedAddress('127.0.0.1', allowed)).toBe(true)
  })
})

describe('parseCidr', () => {
  it.each([
    ['10.1.0.0/16', '10.1.0.0', 16, null],
    ['127.0.0.1', '127.0.0.1', 32, null],
    ['127.0.0.1:8080', '127.0.0.1', 32, 8080],
    ['127.0.0.0/8:443', '127.0.0.0', 8, 443],
    ['0.0.0.0/0', '0.0.0.0', 0, null],
    ['fd00::/8', 'fd00::', 8, null],
    ['fd00::/8:443', 'fd00::', 8, 443],
    ['fd00::1', 'fd00::1', 128, null],
    ['[fd00::1]:443', 'fd00::1', 128, 443],
    ['[fd00::]/8:443', 'fd00::', 8, 443],
  ])('reads %s', (text, network, prefix, port) => {
    expect(parseCidr(text)).toEqual({ network, prefix, port })
  })

  it.each([
    ['localhost', 'is no network'],
    ['10.0.0.0/33', 'has a prefix longer than 32'],
    ['fd00::/129', 'has a prefix longer than 128'],
    ['10.1.2.3/8', 'has bits beyond its prefix (meant 10.0.0.0/8?)'],
    ['10.0.0/8', 'is no IPv4 or IPv6 network'],
    ['0x7f.0.0.0/8', 'is no IPv4 or IPv6 network'],
    ['127.0.0.1:0', 'has no port'],
    ['127.0.0.1:65536', 'has no port'],
    ['127.0.0.1:http', 'is no network'],
    ['10.0.0.0/8/8', 'is no network'],
    ['::ffff:10.0.0.0/104', 'is an IPv4 network in disguise'],
    ['256.0.0.1', 'is no IPv4 or IPv6 network'],
  ])('refuses %s and says why', (text, why) => {
    expect(() => parseCidr(text)).toThrow(`"${text}" ${why}`)
  })

  it('reads a list with commas and spaces, and an empty one', () => {
    expect(parseAllowedCidrs(' 10.0.0.0/8, 127.0.0.1:80\n fd00::/8 ').map(({ network }) => network)).toEqual([
      ...['10.0.0.0', '127.0.0.1', 'fd00::'],
    ])
    expect(parseAllowedCidrs('')).toEqual([])
  })
})

describe('refusedIpv4Networks', () => {
  const holds = (networks: readonly string[], address: string): boolean =>
    networks.some((network) => ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(network)))

  it('agrees with isRefusedAddress on every address, whatever is allowed', () => {
    const cidr = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => ({
      network: ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefix}`).toString(),
      prefix,
      port: null,
    }))
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 4 }), fc.array(fc.ipV4(), { minLength: 20 }), (allowed, addresses) => {
        const networks = refusedIpv4Networks(allowed)
        return addresses.every((address) => holds(networks, address) === isRefusedAddress(address, allowed))
      }),
    )
  })

  it.each([
    ['10.1.0.0/16', '10.1.2.3', '10.2.0.1'],
    ['127.0.0.0/8', '127.0.0.1', '10.0.0.1'],
    ['169.254.169.254', '169.254.169.254', '169.254.169.253'],
    ['0.0.0.0/0', '10.0.0.1', ''],
  ])('takes %s out and nothing beside it', (allowed, open, shut) => {
    const networks = refusedIpv4Networks(parseAllowedCidrs(allowed))
    expect(holds(networks, open)).toBe(false)
    if (shut !== '') expect(holds(networks, shut)).toBe(true)
  })

  it('takes no entry with a port out', () => {
    expect(holds(refusedIpv4Networks(parseAllowedCidrs('10.0.0.0/8:443')), '10.0.0.1')).toBe(true)
  })

  it('adds single addresses', () => {
    expect(holds(refusedIpv4Networks([], ['8.8.8.8']), '8.8.8.8')).toBe(true)
  })
})

describe('allowsLoopback', () => {
  it.each([
    ['127.0.0.0/8', true],
    ['0.0.0.0/0', true],
    ['127.0.0.1', false],
    ['127.0.0.0/8:80', false],
    ['10.0.0.0/8', false],
    ['', false],
  ])('of %s is %s', (allowed, expected) => {
    expect(allowsLoopback(parseAllowedCidrs(allowed))).toBe(expected)
  })
})
