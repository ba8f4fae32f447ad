/** The server's address cannot be used. The message says why and what would be right. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
}

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * The server's address as requests use it: no trailing slash. Plain http is taken for loopback only, unless `allowHttp`,
 * since a key would travel in the clear. Throws an {@link AddressError}.
 */
export function serverAddress(text: string, allowHttp = false): string {
  const trimmed = text.trim()
  if (trimmed === '') throw new AddressError('No server: set VERDICT_URL, for example to https://verdict.example.com')
  const url = URL.canParse(trimmed) ? new URL(trimmed) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    // The text stays out of the message: what is no address may be a key that was put into the wrong variable.
    throw new AddressError('VERDICT_URL is not an address: it must begin with https://')
  }
  if (url.username !== '' || url.password !== '') {
    throw new AddressError(
      `VERDICT_URL holds a user name or password: give only https://${url.host}, the key goes apart`,
    )
  }
  if (url.search !== '' || url.hash !== '') {
    throw new AddressError(`VERDICT_URL must end before ? and #: ${url.origin}${url.pathname}`)
  }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname) && !allowHttp) {
    throw new AddressError(
      `VERDICT_URL is plain http://${url.host}, where anybody on the way could read the key: use https://, or set VERDICT_ALLOW_HTTP=1 if that network is your own`,
    )
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
