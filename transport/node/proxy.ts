import { failed } from '../frame/failure.ts'

/** The environment as a value; names as the process has them. */
export type Env = Readonly<Record<string, string | undefined>>

/**
 * The proxy for an address, by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (the lower-case name wins), or
 * undefined for a direct connection. Throws a TransportError 'proxy' where the variable holds no http(s) address.
 *
 * Not by the package proxy-from-env: it reads the process's environment behind our back, takes `HTTPS_PROXY=proxy:3128`
 * for a proxy that speaks TLS, and does not take `NO_PROXY=corp.example` for its subdomains, as curl and the Action do.
 */
export function proxyFor(url: URL, env: Env): URL | undefined {
  const read = (name: string) => env[name] || env[name.toUpperCase()] || ''
  const value = read(`${url.protocol.slice(0, -1)}_proxy`) || read('all_proxy')
  if (!value || isExempt(url, read('no_proxy'))) return undefined
  const address = value.includes('://') ? value : `http://${value}`
  if (/^https?:/i.test(address) && URL.canParse(address)) return new URL(address)
  throw failed('proxy', url.host, 'the proxy setting holds no http(s) address')
}

/** Entries are names (with their subdomains) or literal addresses, each with or without a port; `*` is everything. */
function isExempt(url: URL, noProxy: string): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const host = bare(url.hostname)
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      if (entry === '*') return true
      const [, name = entry, onlyPort = port] = /^(\[.+\]|[^:]+):(\d+)$/.exec(entry) ?? []
      const exempt = bare(name).replace(/^\*?\./, '')
      return onlyPort === port && (host === exempt || host.endsWith(`.${exempt}`))
    })
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
