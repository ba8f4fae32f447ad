/** The full name of a commit: SHA-1, or SHA-256 in repositories of that format. A shorter one may come to mean another. */
export const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
export const GIT_URL_MAX = 2000

/** `user@host:path`, and the schemes that say the same. */
const SSH = /^(?:(?:git\+)?ssh:|[^/:@]+@[^/:]+:)/i

/**
 * What is wrong with the address of a repository, in words that follow "the address"; undefined when nothing is. Only
 * http and https: git's other transports run programs (`ext::`), read this machine (`file:`) or have no encryption.
 */
export function gitUrlProblem(text: string): string | undefined {
  if (text.length > GIT_URL_MAX) return `is longer than ${GIT_URL_MAX} characters`
  if (SSH.test(text)) return 'is for ssh, which is not supported: use https, with a token as the credential'
  if (!/^https?:\/\//i.test(text)) return 'must begin with https://'
  // A URL parser drops or turns round what git's own does not.
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(text))
    return 'holds a space, a backslash or another character that no address has'
  if (!URL.canParse(text)) return 'is no URL'
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user name or password: keep them as a secret of the suite and name that as the credential'
  if (/[?#]/.test(text)) return 'must not have a query or a fragment'
  return url.pathname === '/' ? 'names no repository' : undefined
}

/** `host/owner/name`, as clients name repositories. */
export function repositoryOfUrl(url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname.replace(/\/+$/, '').replace(/\.git$/, '')}`
}
