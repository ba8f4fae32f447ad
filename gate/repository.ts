/** `git@host:owner/name.git`: what is no address, but what git takes for one (git-clone(1), "GIT URLS"). */
const SCP_FORM = /^(?:[^@/:]+@)?([^/:]+):(?!\/\/)(.+)$/

/**
 * A repository as `host/owner/name`, whatever form its address has, so that clones by https and by ssh are the same one.
 * Credentials never come along. Undefined for a path of this machine, and for what is no address.
 */
export function repositoryName(address: string | undefined): string | undefined {
  const text = address?.trim() ?? ''
  // A drive of Windows looks like the short form of ssh.
  if (text === '' || /^[A-Za-z]:[\\/]/.test(text) || text.startsWith('/') || text.startsWith('.')) return undefined
  if (!text.includes('://')) {
    const [, host, path] = SCP_FORM.exec(text) ?? []
    return host === undefined || path === undefined ? undefined : named(host, path)
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || url.protocol === 'file:') return undefined
  // The port of ssh is a matter of access; that of http is part of the host's name.
  return named(/^https?:$/.test(url.protocol) ? url.host : url.hostname, url.pathname)
}

function named(host: string, path: string): string | undefined {
  const clean = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
  return clean === '' ? undefined : `${host.toLowerCase()}/${clean}`
}
