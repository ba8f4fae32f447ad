import { TransportError, type TransportFailure } from '../transport.ts'

const CODES: readonly (readonly [TransportFailure, RegExp])[] = [
  ['unreachable', /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|E(HOST|NET)(UNREACH|DOWN)|EADDRNOTAVAIL|ETIMEDOUT)$/],
  ['tls', /CERT|^ERR_(TLS|SSL)_|^EPROTO$|^INVALID_(CA|PURPOSE)$|^HOSTNAME_MISMATCH$|^UNABLE_TO_/],
]

const WORDS: Readonly<Record<TransportFailure, (place: string, detail: string) => string>> = {
  aborted: (place) => `the request to ${place} was aborted`,
  timeout: (place, detail) => `${place} was silent for ${detail}`,
  unreachable: (place, detail) =>
    `cannot reach ${place} (${detail}): check the address, that a server runs there, and the proxy settings ` +
    '(HTTPS_PROXY, HTTP_PROXY, NO_PROXY)',
  reset: (place, detail) => `${place} broke the connection off before the whole answer was here (${detail})`,
  tls: (place, detail) =>
    `no trusted TLS connection to ${place} (${detail}): if a private CA signed its certificate, set ` +
    'NODE_EXTRA_CA_CERTS to the PEM file of that CA; else check the name in the address, and that the port speaks https',
  proxy: (place, detail) =>
    `${detail} instead of connecting to ${place}: check HTTPS_PROXY and HTTP_PROXY, or name the host in NO_PROXY`,
}

/** The error about `place` ("host:port") in the words that all adapters share. */
export function failed(failure: TransportFailure, place: string, detail: string, cause?: unknown): TransportError {
  return new TransportError(failure, WORDS[failure](place, detail), { cause })
}

/** What Node's sockets, TLS and parser threw, as an error of the port. Only the code of `cause` enters the message. */
export function failedBy(cause: unknown, place: string): TransportError {
  if (cause instanceof TransportError) return cause
  const { code = 'connection closed' } = Object(cause)
  if (/^ERR_(INVALID|UNESCAPED)_/.test(code)) {
    const why = `(${code}): a header or the address holds a character that HTTP does not allow, such as a line break`
    return new TransportError('unreachable', `cannot send to ${place} ${why}`, { cause })
  }
  const known = CODES.find(([, codes]) => codes.test(code))
  return failed(known?.[0] ?? 'reset', place, code, cause)
}
