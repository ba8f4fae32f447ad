import { describe, expect, it } from 'vitest'
import { nodeTransport } from '../../transport/node/node.ts'
import { proxyFor } from '../../transport/node/proxy.ts'
import { transportContract } from './transport.contract.ts'

transportContract('node', {
  make: (env) => nodeTransport({ env }),
  module: 'transport/node/node.ts',
  constructorName: 'nodeTransport',
})

describe('the proxy for an address', () => {
  const proxy = 'http://proxy.corp:3128/'
  it.each([
    ['none without a variable', 'https://a.example/', {}, undefined],
    ['that of its protocol', 'https://a.example/', { HTTP_PROXY: 'http://other/', HTTPS_PROXY: proxy }, proxy],
    ['the lower-case one first', 'http://a.example/', { HTTP_PROXY: 'http://other/', http_proxy: proxy }, proxy],
    ['ALL_PROXY otherwise', 'https://a.example/', { ALL_PROXY: proxy }, proxy],
    ['plain http without a scheme', 'https://a.example/', { HTTPS_PROXY: 'proxy.corp:3128' }, proxy],
    ['none for *', 'https://a.example/', { HTTPS_PROXY: proxy, NO_PROXY: '*' }, undefined],
    ['none for the host', 'https://a.example/', { HTTPS_PROXY: proxy, no_proxy: 'b.example A.example' }, undefined],
    ['none for a subdomain', 'https://a.example/', { HTTPS_PROXY: proxy, NO_PROXY: 'example' }, undefined],
    ['none for *.domain', 'https://a.example/', { HTTPS_PROXY: proxy, NO_PROXY: '*.example' }, undefined],
    [
      'one for a name that only ends alike',
      'https://banana.example/',
      { HTTPS_PROXY: proxy, NO_PROXY: 'a.example' },
      proxy,
    ],
    ['none for the port', 'https://a.example/', { HTTPS_PROXY: proxy, NO_PROXY: 'a.example:443' }, undefined],
    ['one for another port', 'https://a.example:8443/', { HTTPS_PROXY: proxy, NO_PROXY: 'a.example:443' }, proxy],
    ['none for an IPv6 address', 'https://[::1]:8443/', { HTTPS_PROXY: proxy, NO_PROXY: '::1' }, undefined],
    [
      'none for an IPv6 address and port',
      'https://[::1]:8443/',
      { HTTPS_PROXY: proxy, NO_PROXY: '[::1]:8443' },
      undefined,
    ],
  ])('is %s', (_, url, env, expected) => {
    expect(proxyFor(new URL(url), env)?.href).toBe(expected)
  })
})
