import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { type Cidr, isAllowedAddress } from './addresses.ts'
import { type Egress, EgressError } from './egress.ts'
import { exchange } from './exchange.ts'
import { dnsResolver, type Resolve } from './resolver.ts'
import { connectionProblem, hostOf, portOf, targetProblem } from './targets.ts'

export interface GuardedOptions {
  /** What may be reached although it is private: VERDICT_ALLOWED_PRIVATE_CIDRS. */
  readonly allowed: readonly Cidr[]
  readonly after: (ms: number, callback: () => void) => () => void
  readonly resolve?: Resolve
  /** Certificate authorities to trust instead of the system's, PEM. */
  readonly ca?: string
}

const ANSWER_MAX_BYTES = 20_000
const HEADERS_MAX_BYTES = 16_384
const CONNECTIONS_PER_ORIGIN = 10
const KEEP_ALIVE_MS = 10_000
/** Origins that turned out private; forgotten all at once when there are too many, to be learned again at a connection. */
const PRIVATE_ORIGINS_MAX = 10_000

/**
 * Requests that reach public addresses only: every address that a name means is checked at the moment of the connection,
 * and that very address is connected to, so that no later answer of a name server counts. A literal address never
 * passes a look-up and is checked by itself. Proxies of the environment are not used: they would look names up elsewhere.
 */
export function guardedEgress(options: GuardedOptions): Egress {
  const { allowed, resolve = dnsResolver() } = options
  const privateOrigins = new Set<string>()
  const tls = options.ca === undefined ? {} : { ca: options.ca }

  async function addressesFor(url: URL): Promise<string[]> {
    const host = hostOf(url)
    const addresses = isIP(host) ? [host] : await resolve(host)
    // One bad answer among good ones refuses all: whoever owns the name means to have it both ways.
    for (const address of addresses) {
      const problem = connectionProblem(url, address, allowed)
      if (problem) throw new EgressError('refused', `The address ${url.host} ${problem}.`)
    }
    if (addresses.some((address) => isAllowedAddress(address, allowed, portOf(url)))) {
      if (privateOrigins.size >= PRIVATE_ORIGINS_MAX) privateOrigins.clear()
      privateOrigins.add(url.origin)
    }
    return addresses
  }

  const agent = new Agent({
    connections: CONNECTIONS_PER_ORIGIN,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADERS_MAX_BYTES,
    allowH2: false,
    connect(target, callback) {
      const port = target.port === '' ? '' : `:${target.port}`
      const host = target.hostname.includes(':') ? `[${target.hostname.replace(/^\[|\]$/g, '')}]` : target.hostname
      addressesFor(new URL(`${target.protocol}//${host}${port}`)).then(
        (addresses) => buildConnector({ ...tls, allowH2: false, lookup: lookupOf(addresses) })(target, callback),
        (error: Error) => callback(error, null),
      )
    },
  })

  return {
    async send({ url: text, timeoutMs, ...request }) {
      const problem = targetProblem(text, allowed)
      if (problem) throw new EgressError('refused', `The address ${shown(text)} ${problem}.`)
      const url = new URL(text)
      const headers = { 'accept-encoding': 'identity', ...request.headers }
      try {
        const answer = await exchange(
          agent,
          { ...request, origin: url.origin, path: url.pathname + url.search, headers },
          { timeoutMs, answerBytes: ANSWER_MAX_BYTES, after: options.after },
        )
        return { ...answer, fromPrivate: privateOrigins.has(url.origin) }
      } catch (error) {
        throw egressError(error as Error & { code?: string })
      }
    },
    close: () => agent.destroy(),
  }
}

/** A look-up that knows the answer: the addresses that were checked, and no others. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_host, { all }, callback) =>
    all ? callback(null, found) : callback(null, found[0]!.address, found[0]!.family)
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'The name does not exist',
  ENODATA: 'The name has no address',
  ETIMEOUT: 'The name servers did not answer',
  ESERVFAIL: 'The name servers could not answer',
  ECONNREFUSED: 'The connection was refused',
  ECONNRESET: 'The connection was reset',
  EHOSTUNREACH: 'The host is unreachable',
  ENETUNREACH: 'The network is unreachable',
  ETIMEDOUT: 'The connection could not be made in time',
  UND_ERR_CONNECT_TIMEOUT: 'The connection could not be made in time',
  UND_ERR_DESTROYED: 'It was broken off here',
  UND_ERR_SOCKET: 'The connection broke off before a whole answer',
  UND_ERR_HEADERS_OVERFLOW: 'The headers of the answer are too large',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'The answer is not as long as it says',
}
const CERTIFICATE = /CERT|UNABLE_TO_|SELF_SIGNED|ERR_TLS|HOSTNAME/

function egressError(error: Error & { code?: string; errors?: Error[] }): EgressError {
  if (error instanceof EgressError) return error
  const code = String(error.code ?? (error.errors?.[0] as { code?: string } | undefined)?.code ?? '')
  const words = WORDS[code] ?? (CERTIFICATE.test(code) ? 'The TLS certificate is not trusted' : undefined)
  if (words) return new EgressError('failed', `${words} (${code}).`, { cause: error })
  if (error.name === 'HTTPParserError') return new EgressError('failed', 'The answer is not HTTP.', { cause: error })
  return new EgressError('failed', `There is no answer${code === '' ? '' : ` (${code})`}.`, { cause: error })
}

/** An address for a message: its query and password may be secrets. */
function shown(text: string): string {
  const url = URL.parse(text)
  return url ? url.host : `"${text.slice(0, 50)}"`
}
