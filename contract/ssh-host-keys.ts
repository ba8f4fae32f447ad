export const HOST_KEYS_MAX = 20
/** Of a text with one or more lines. A key of RSA with 16,384 bits has about 2,800 characters. */
export const HOST_KEY_LENGTH_MAX = 20_000

/** RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4. DSA is no more. */
const TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa']

/**
 * The public key in a line as known_hosts has them (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"), with or without the names
 * before it: `type base64`. Or what is wrong with the line, in words that follow the name of its field. Names must be those
 * of the host: a line of another host there is a mistake.
 */
export function readHostKey(
  line: string,
  { host, port }: { readonly host: string; readonly port: number },
): { readonly key: string } | { readonly problem: string } {
  const words = line.trim().split(/\s+/)
  if (words[0]?.startsWith('@'))
    return { problem: `has a line with ${words[0].slice(0, 30)}, which is not supported: name keys` }
  const names = TYPES.includes(words[0] ?? '') ? undefined : words.shift()
  const [type = '', base64 = ''] = words
  if (!TYPES.includes(type))
    return { problem: `has a line that is no public key: write "ssh-ed25519 AAAA…" (or ${TYPES.slice(1).join(', ')})` }
  if (typeOf(base64) !== type) return { problem: `has a key of ${type} that is cut off or damaged` }
  if (names?.startsWith('|')) return { problem: 'has a line with a hashed host name: leave that first word out' }
  const own = [host, `[${host}]:${port}`].map((name) => name.toLowerCase())
  if (
    names !== undefined &&
    !names
      .toLowerCase()
      .split(',')
      .some((name) => own.includes(name))
  )
    return { problem: `has a line of another host (${names.slice(0, 100)}) than that of the address, ${host}` }
  return { key: `${type} ${base64}` }
}

/** What a public key says of itself: its first field (RFC 4251 5, "string"); undefined for what is none, or is cut off. */
function typeOf(base64: string): string | undefined {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  let first: string | undefined
  let at = 0
  while (at + 4 <= bytes.length) {
    const length = view.getUint32(at)
    first ??= String.fromCharCode(...bytes.subarray(at + 4, at + 4 + Math.min(length, 100)))
    at += 4 + length
  }
  return at === bytes.length ? first : undefined
}
